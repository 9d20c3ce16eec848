//! The page that somebody asked for before they had to prove who they are: they get there afterwards, through password, second
//! factor and identity provider alike. It waits in a cookie meanwhile, so that no link can name it and no provider learns it.
//!
//! Invariant: what is not, by our own table of routes, a page for signed-in people is forgotten. So nothing that a cookie or a
//! form says leads to another origin, to the API, to the customers' portal or into a step of signing in.

use super::cookies::{Cookie, Jar};
use crate::head::Head;
use crate::route::{self, Target};
use crate::verdict::Answer;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use config::Config;

const MAX_BYTES: usize = 512;

/// The way to the sign-in form, of who asked for a path without being signed in.
pub fn sign_in_first(path_and_query: &str, config: &Config) -> Answer {
    remember(Answer::see_other("/"), path_and_query, config)
}

/// Has the browser bring the page back, if it is one.
pub fn remember(answer: Answer, path_and_query: &str, config: &Config) -> Answer {
    match value(path_and_query, config) {
        Some(value) => answer.with("set-cookie", Cookie::Asked.set(&value)),
        None => answer,
    }
}

/// A jar that has the page which is asked for now, should its session turn out to be over.
pub fn now(jar: Jar, path_and_query: &str, config: &Config) -> Jar {
    jar.with(Cookie::Asked, value(path_and_query, config))
}

/// Has the browser bring the jar's page back.
pub fn again(answer: Answer, jar: &Jar) -> Answer {
    match jar.get(Cookie::Asked) {
        Some(value) => answer.with("set-cookie", Cookie::Asked.set(value)),
        None => answer,
    }
}

/// The same of the page that a confirmation shall lead back to; of none, where it is none of ours.
pub fn instead(answer: Answer, back: &str, config: &Config) -> Answer {
    match value(back, config) {
        Some(value) => answer.with("set-cookie", Cookie::Asked.set(&value)),
        None => answer.without_cookies(&[Cookie::Asked]),
    }
}

/// The page that somebody has waited for.
pub fn page(jar: &Jar, config: &Config) -> Option<String> {
    let path = URL_SAFE_NO_PAD.decode(jar.get(Cookie::Asked)?).ok()?;
    String::from_utf8(path).ok().filter(|path| is_page(path, config))
}

/// They are there: the cookie has served.
pub fn served(answer: Answer, jar: &Jar) -> Answer {
    if jar.get(Cookie::Asked).is_some() { answer.without_cookies(&[Cookie::Asked]) } else { answer }
}

/// The way back of a confirmation, which says that it is done.
pub fn confirmed(back: Option<&str>, config: &Config) -> String {
    let back = back.filter(|back| !back.contains('?') && is_page(back, config)).unwrap_or("/");
    format!("{back}?done=confirmed")
}

/// What the cookie holds: a path has characters that no cookie takes.
fn value(path_and_query: &str, config: &Config) -> Option<String> {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    // What was just done is not said again an hour later.
    let query: Vec<&str> =
        query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("done=")).collect();
    let asked = if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) };
    is_page(&asked, config).then(|| URL_SAFE_NO_PAD.encode(asked))
}

/// Whether it is the path, with or without a query, of a page for signed-in people.
fn is_page(path_and_query: &str, config: &Config) -> bool {
    let plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'\\' | b'#');
    let local = path_and_query.starts_with('/') && !path_and_query.starts_with("//");
    if path_and_query.len() > MAX_BYTES || !local || !path_and_query.bytes().all(plain) {
        return false;
    }
    let head = format!("GET\nhttps://gate.invalid{path_and_query}");
    let target = route::find(&Head::parse(&head), config);
    matches!(target, Ok(Target::Page(page)) if page.needs_caller())
}

#[cfg(test)]
mod tests;
