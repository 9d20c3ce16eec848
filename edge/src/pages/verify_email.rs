//! `/verify-email`. A button, since scanners of mails follow links but send no forms.

use super::parts::refusal;
use super::{Retry, Shell};
use crate::handlers::forms::Form;
use maud::{Markup, html};

/// The button. The mailed token is in its cookie.
pub fn render(shell: &Shell<'_>, retry: Option<&Retry>) -> Markup {
    shell.page(
        "Confirm your email address",
        "",
        &html! {
            h1 { "Confirm your email address" }
            (refusal(retry, Form::VerifyEmail))
            p { "You have opened the link that we mailed you. Confirm that the address is yours." }
            form.card method="post" action="/verify-email" {
                button { "Confirm the address" }
            }
        },
    )
}
