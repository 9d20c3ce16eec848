//! The answer to what sends again: how much is on its way, and the way on where there is more.

use crate::handlers::forms::Fields;
use crate::pages::Shell;
use crate::pages::parts::number;
use maud::{Markup, html};
use protocol::api::Replayed;

/// Fields that say what is sent again.
const SAID: [&str; 7] = ["action", "id", "since", "until", "event_types", "failed_only", "endpoint_id"];

/// The page. `path`: the form's; `back`: of what it was about; `typed`: what it said.
pub fn render(shell: &Shell<'_>, path: &str, back: &str, typed: &Fields, replayed: &Replayed) -> Markup {
    let title = match replayed.deliveries {
        0 => "Nothing to send again".to_owned(),
        1 => "1 delivery is on its way again".to_owned(),
        count => format!("{} deliveries are on their way again", number(count)),
    };
    shell.page(&title, path, &html! {
        h1 { (title) }
        @if let Some(cursor) = &replayed.next_cursor {
            p { "There is more: one step sends 500." }
            form method="post" action=(path) {
                (shell.csrf_field())
                @for name in SAID { @if let Some(value) = typed.get(name) { input type="hidden" name=(name) value=(value); } }
                input type="hidden" name="cursor" value=(cursor);
                button { "Go on" }
            }
        }
        p { a href=(back) { "Done" } }
    })
}
