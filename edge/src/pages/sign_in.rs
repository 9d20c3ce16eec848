//! `/` for those who are not signed in, and `/sign-in/code`.

use super::parts::{Line, code as code_input, new_password, notice, password, refusal, region_select};
use super::{Notice, Retry, Shell, Typed};
use crate::handlers::forms::Form;
use config::Config;
use maud::{Markup, html};

/// Sign-in and sign-up.
pub fn render(shell: &Shell<'_>, config: &Config, done: Option<Notice>, retry: Option<&Retry>) -> Markup {
    let new = |name: &str| Retry::typed(retry, Form::SignUp, name);
    shell.page("Sign in", "/", &html! {
        (notice(done, "Account"))
        div.columns {
            section aria-labelledby="sign-in" {
                h1 id="sign-in" { "Sign in" }
                (refusal(retry, Form::SignIn))
                form.card method="post" action="/sign-in" {
                    (email(&Retry::typed(retry, Form::SignIn, "email"), ""))
                    (password("Password", "password", Retry::typed(retry, Form::SignIn, "password"), true))
                    button { "Sign in" }
                    a href="/forgot-password" { "Forgot your password?" }
                }
                @if !config.sign_in.oidc.is_empty() { (providers(config)) }
                ul.points {
                    li { "Third parties' credentials go in sealed and never come out: your code calls through them." }
                    li { "Webhooks are verified byte for byte, stored, and only then acknowledged." }
                    li { "Every change, and every use of a credential, is in an audit trail that you can verify." }
                }
            }
            section aria-labelledby="sign-up" {
                h2 id="sign-up" { "Create a workspace" }
                (refusal(retry, Form::SignUp))
                form.card method="post" action="/sign-up" {
                    (text("Your name", "name", "name", &new("name")))
                    (text("Workspace", "org_name", "organization", &new("org_name")))
                    (email(&new("email"), ""))
                    (new_password("Password", "password", &new("password")))
                    (region_select(config, &new("region")))
                    (terms(config, &new("accept_terms")))
                    button { "Create workspace" }
                }
            }
        }
    })
}

/// Links, so that the way there is a plain navigation: Chromium would hold a form's redirects to this origin.
fn providers(config: &Config) -> Markup {
    html! {
        ul.providers aria-label="Other ways to sign in" {
            @for provider in &config.sign_in.oidc {
                li { a.button href=(format!("/sign-in/{}", provider.id)) { "Continue with " (provider.name) } }
            }
        }
    }
}

/// The second factor. A recovery code has a form of its own: it has letters, which a keypad for digits has not.
pub fn code(shell: &Shell<'_>, retry: Option<&Retry>) -> Markup {
    let typed = |action: &str| Retry::typed_for(retry, Form::SignInCode, action, "code");
    let recovery = typed("recovery");
    shell.page(
        "Enter your code",
        "/",
        &html! {
            h1 { "Enter your code" }
            (refusal(retry, Form::SignInCode))
            form.card method="post" action="/sign-in/code" {
                (code_input("Code", "Six digits of your authenticator app.", true, &typed("")))
                button { "Sign in" }
                a href="/" { "Sign in as somebody else" }
            }
            details open[recovery.invalid().is_some()] {
                summary { "The app is not at hand" }
                form.card method="post" action="/sign-in/code" {
                    input type="hidden" name="action" value="recovery";
                    label {
                        span { "Recovery code" }
                        input type="text" name="code" autocomplete="off" autocapitalize="none" spellcheck="false"
                            maxlength="64" required aria-invalid=[recovery.invalid()] aria-describedby=[recovery.described_by()];
                        small { "Each works once." }
                    }
                    (recovery.fault())
                    button { "Use the recovery code" }
                }
            }
        },
    )
}

/// The email that somebody signs in by.
pub(super) fn email(typed: &Typed<'_>, hint: &str) -> Markup {
    Line { label: "Email", name: "email", kind: "email", autocomplete: "username", required: true, hint }
        .with(typed)
}

/// A line of text that a browser may know.
pub(super) fn text(label: &str, name: &str, autocomplete: &str, typed: &Typed<'_>) -> Markup {
    Line { label, name, kind: "text", autocomplete, required: true, hint: "" }.with(typed)
}

/// The terms, in a window of their own, so that nothing typed is lost.
pub(super) fn terms(config: &Config, typed: &Typed<'_>) -> Markup {
    let link = |url: Option<&str>, words: &str| {
        html! { @match url { Some(url) => a href=(url) target="_blank" rel="noopener noreferrer" { (words) }, None => (words) } }
    };
    let brand = &config.brand;
    html! {
        label.check {
            input type="checkbox" name="accept_terms" value="true" required
                aria-invalid=[typed.invalid()] aria-describedby=[typed.described_by()];
            span {
                "I accept the " (link(brand.terms_url.as_deref(), "terms"))
                @if let Some(url) = &brand.privacy_url { " and the " (link(Some(url), "privacy notice")) }
            }
        }
        (typed.fault())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::state;

    /// D12: what one accepts can be read, in a window of its own; without the keys nothing is linked to.
    #[test]
    fn signing_up_links_to_the_terms_that_are_configured() {
        let mut config = state().config;
        assert!(!terms(&config, &Typed::default()).into_string().contains("href"));
        config.brand.terms_url = Some("https://acme.test/terms?a=1&b=2".into());
        config.brand.privacy_url = Some("https://acme.test/privacy".into());
        let html = terms(&config, &Typed::default()).into_string();
        for url in ["https://acme.test/terms?a=1&amp;b=2", "https://acme.test/privacy"] {
            assert!(
                html.contains(&format!("href=\"{url}\" target=\"_blank\" rel=\"noopener noreferrer\"")),
                "{html}"
            );
        }
    }
}
