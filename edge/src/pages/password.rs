//! `/forgot-password` and `/reset-password`.

use super::parts::{new_password, notice, refusal};
use super::sign_in::email;
use super::{Notice, Retry, Shell};
use crate::handlers::forms::Form;
use maud::{Markup, html};

/// Asks for the mail. What it says afterwards is the same whether or not there is such an account.
pub fn forgot(shell: &Shell<'_>, done: Option<Notice>, retry: Option<&Retry>) -> Markup {
    shell.page(
        "Forgot your password?",
        "",
        &html! {
            h1 { "Forgot your password?" }
            (notice(done, "Link"))
            (refusal(retry, Form::ForgotPassword))
            p { "We mail you a link to set a new one." }
            form.card method="post" action="/forgot-password" {
                (email(&Retry::typed(retry, Form::ForgotPassword, "email"), ""))
                button { "Send the link" }
                a href="/" { "Back to signing in" }
            }
        },
    )
}

/// Sets the new one. The mailed token is in its cookie.
pub fn reset(shell: &Shell<'_>, retry: Option<&Retry>) -> Markup {
    shell.page(
        "Set a new password",
        "",
        &html! {
            h1 { "Set a new password" }
            (refusal(retry, Form::ResetPassword))
            p { "Every session of yours ends with it; you sign in again with the new password." }
            form.card method="post" action="/reset-password" {
                (new_password("New password", "new_password", &Retry::typed(retry, Form::ResetPassword, "new_password")))
                button { "Set password" }
            }
        },
    )
}
