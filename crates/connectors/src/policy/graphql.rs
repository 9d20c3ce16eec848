//! GraphQL documents, compared token by token (GraphQL October 2021 §2.1).
//!
//! A caller's document passes when it is one of the catalogue's: spaces, line ends and commas aside, the same tokens.
//! Nothing is understood, so nothing can be misunderstood. Comments are refused.

/// The tokens of `document`. `None`: something that is no token, an unfinished string, or a comment.
pub(crate) fn tokens(document: &str) -> Option<Vec<&str>> {
    let mut tokens = Vec::new();
    let mut rest = document.trim_start_matches(is_ignored);
    while !rest.is_empty() {
        let (token, after) = rest.split_at_checked(length(rest)?)?;
        tokens.push(token);
        rest = after.trim_start_matches(is_ignored);
    }
    Some(tokens)
}

/// The length of the first token of `text`, in bytes.
fn length(text: &str) -> Option<usize> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match text.chars().next()? {
        '"' if text.starts_with("\"\"\"") => None,
        '"' => {
            let mut escaped = false;
            let end = text.char_indices().skip(1).find(|(_, c)| match (escaped, c) {
                (true, _) => {
                    escaped = false;
                    false
                }
                (false, '\\') => {
                    escaped = true;
                    false
                }
                (false, c) => *c == '"' || *c == '\n' || *c == '\r',
            })?;
            (end.1 == '"').then_some(end.0 + 1)
        }
        '.' => text.starts_with("...").then_some(3),
        '!' | '$' | '&' | '(' | ')' | ':' | '=' | '@' | '[' | ']' | '{' | '}' | '|' => Some(1),
        // A number's sign, point and exponent stay with its digits.
        '-' | '0'..='9' => {
            Some(text.find(|c: char| !(is_word(c) || matches!(c, '-' | '+' | '.'))).unwrap_or(text.len()))
        }
        c if is_word(c) => Some(text.find(|c| !is_word(c)).unwrap_or(text.len())),
        _ => None,
    }
}

const fn is_ignored(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | ',')
}
