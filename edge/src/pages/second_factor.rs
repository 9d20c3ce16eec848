//! Setting up an authenticator app: what it takes, shown once; its first code; the recovery codes, shown once.

use super::parts::{code, refusal};
use super::{Retry, Shell, qr};
use crate::handlers::forms::Form;
use maud::{Markup, html};
use protocol::api::{NewSecondFactor, RecoveryCodes};

const PATH: &str = "/account";

/// What goes into the app, and the form that confirms it.
pub fn start(shell: &Shell<'_>, new: &NewSecondFactor) -> Markup {
    let uri = new.otpauth_uri.0.as_str();
    shell.page(
        "Set up an authenticator app",
        PATH,
        &html! {
            h1 { "Set up an authenticator app" }
            ol.steps {
                li {
                    p { "Scan this with the app, or type the secret into it. Both are shown only now." }
                    @if let Some(svg) = qr::svg(uri, "QR code for your authenticator app") { (svg) }
                    pre.secret tabindex="0" aria-label="Secret" { (new.secret.0) }
                    @if uri.starts_with("otpauth://") {
                        p { a href=(uri) { "Open in an app on this device" } }
                    }
                }
                li {
                    p { "Enter the code that the app shows. From then on, signing in takes one." }
                    (form(shell, None))
                }
            }
        },
    )
}

/// The form once more, after a wrong code. The secret is in the app by now, and not shown again.
pub fn again(shell: &Shell<'_>, retry: Option<&Retry>) -> Markup {
    shell.page("Set up an authenticator app", PATH, &html! {
        h1 { "Set up an authenticator app" }
        (refusal(retry, Form::Account))
        p { "Enter the code that the app shows now. If its clock is wrong, its codes are." }
        (form(shell, retry))
        p { "The app does not have the secret? Begin again on " a href="/account#second-factor" { "your account's page" } "." }
    })
}

fn form(shell: &Shell<'_>, retry: Option<&Retry>) -> Markup {
    html! {
        form.card method="post" action=(PATH) {
            (shell.csrf_field())
            input type="hidden" name="action" value="confirm_second_factor";
            (code("Code", "Six digits.", true, &Retry::typed(retry, Form::Account, "code")))
            button { "Confirm" }
        }
    }
}

/// The recovery codes.
pub fn codes(shell: &Shell<'_>, codes: &RecoveryCodes) -> Markup {
    shell.page("Your recovery codes", PATH, &html! {
        h1 { "Your recovery codes" }
        p { "Keep them apart from your phone. Each signs you in once in place of the app; this is the only time that they are shown." }
        ul.codes aria-label="Recovery codes" {
            @for code in &codes.recovery_codes { li { code { (code.0) } } }
        }
        p { a href="/account" { "I have kept them" } }
    })
}
