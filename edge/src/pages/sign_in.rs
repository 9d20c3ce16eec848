//! `/` for those who are not signed in.

use super::parts::refusal;
use super::{Retry, Shell};
use crate::handlers::forms::Form;
use config::Config;
use maud::{Markup, html};
use protocol::Region;

/// Sign-in and sign-up.
pub fn render(shell: &Shell<'_>, config: &Config, retry: Option<&Retry>) -> Markup {
    shell.page("Sign in", "/", &html! {
        div.columns {
            section aria-labelledby="sign-in" {
                h1 id="sign-in" { "Sign in" }
                (refusal(retry, Form::SignIn))
                form.card method="post" action="/sign-in" {
                    (email(Retry::typed(retry, Form::SignIn, "email")))
                    label {
                        span { "Password" }
                        input type="password" name="password" autocomplete="current-password" required;
                    }
                    button { "Sign in" }
                }
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
                    (text("Your name", "name", "name", retry))
                    (text("Workspace", "org_name", "organization", retry))
                    (email(Retry::typed(retry, Form::SignUp, "email")))
                    label {
                        span { "Password" }
                        input type="password" name="password" autocomplete="new-password" minlength="10" required;
                        small { "At least 10 characters." }
                    }
                    (region(config, Retry::typed(retry, Form::SignUp, "region")))
                    label.check {
                        input type="checkbox" name="accept_terms" value="true" required;
                        span { "I accept the terms" }
                    }
                    button { "Create workspace" }
                }
            }
        }
    })
}

fn email(typed: &str) -> Markup {
    html! {
        label {
            span { "Email" }
            input type="email" name="email" autocomplete="username" value=(typed) required;
        }
    }
}

fn text(label: &str, name: &str, autocomplete: &str, retry: Option<&Retry>) -> Markup {
    html! {
        label {
            span { (label) }
            input type="text" name=(name) autocomplete=(autocomplete) maxlength="200" required
                value=(Retry::typed(retry, Form::SignUp, name));
        }
    }
}

fn region(config: &Config, typed: &str) -> Markup {
    let chosen = |region: &Region| match typed {
        "" => *region == config.residency.default,
        typed => region.as_str() == typed,
    };
    html! {
        label {
            span { "Region" }
            select name="region" {
                @for region in &config.residency.regions {
                    option value=(region.as_str()) selected[chosen(region)] { (region_name(*region)) }
                }
            }
            small { "Where your data lives, for good." }
        }
    }
}

/// For people.
pub(super) fn region_name(region: Region) -> &'static str {
    match region {
        Region::Eu => "European Union",
        Region::Us => "United States",
        Region::Auto => "Automatic (nearest)",
    }
}
