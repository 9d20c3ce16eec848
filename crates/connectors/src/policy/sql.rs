//! A single SQL statement that reads, for warehouses that are called over HTTP.
//!
//! A guard against mistakes, not the wall: **the provider's own read-only role is what counts**, since a function or a
//! stored procedure that a SELECT names may write. Dialects differ in how a string, a comment or a quoted name ends,
//! and a text that they read differently could hide a statement in what we take for a string. So whatever they do not
//! agree on is refused wherever it stands: comments, backslashes, dollar quotes, triple quotes.

/// The longest statement, in bytes.
const MAX_STATEMENT: usize = 32 * 1024;

/// What a statement may begin with.
const BEGINNINGS: [&str; 6] = ["SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "EXPLAIN"];

/// Words that no reading statement needs outside quotes.
const WRITING: [&str; 29] = [
    "INSERT", "UPDATE", "DELETE", "MERGE", "UPSERT", "INTO", "CREATE", "ALTER", "DROP", "UNDROP", "TRUNCATE",
    "GRANT", "REVOKE", "CALL", "COPY", "PUT", "GET", "REMOVE", "EXECUTE", "EXEC", "EXPORT", "LOAD", "BEGIN",
    "COMMIT", "ROLLBACK", "DECLARE", "LOCK", "VACUUM", "DO",
];

/// Checks that `statement` is one that reads.
///
/// # Errors
/// What is wrong, in words of the policy.
pub(super) fn check(statement: &str) -> Result<(), &'static str> {
    if statement.len() > MAX_STATEMENT {
        return Err("it is longer than 32 KiB");
    }
    if statement.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err("it must hold no control characters");
    }
    if statement.contains('\\') {
        return Err("dialects disagree on backslashes; send such a value as a parameter");
    }
    if ["'''", "\"\"\"", "```"].iter().any(|quotes| statement.contains(quotes)) {
        return Err("dialects disagree on three quotes in a row; send such a value as a parameter");
    }
    let mut is_first = true;
    let mut rest = statement;
    while let Some(first) = rest.chars().next() {
        if is_first && !first.is_ascii_whitespace() && !first.is_ascii_alphabetic() {
            return Err(BEGINNING);
        }
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        rest = match first {
            // A doubled quote inside ends one string and begins the next: the same characters stand outside.
            '\'' | '"' => after.split_once(first).ok_or("a quote is not closed")?.1,
            '`' => {
                let (name, after) = after.split_once('`').ok_or("a quote is not closed")?;
                // No quote at all in some dialects: what it holds must be a name there too.
                if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.:*".contains(&b)) {
                    return Err("a name in backquotes may hold letters, digits and _-.:* only");
                }
                after
            }
            ';' if after.chars().all(|c| c.is_ascii_whitespace()) => after,
            ';' => return Err("it must be a single statement"),
            '#' => return Err("it must hold no comments"),
            '-' | '/' if after.starts_with(first) || (first == '/' && after.starts_with('*')) => {
                return Err("it must hold no comments");
            }
            '$' if !after.starts_with(|c: char| c.is_ascii_digit()) => {
                return Err("a $ may only begin a parameter's number");
            }
            c if c.is_ascii_digit() => {
                let (number, after) = split_word(rest);
                check_number(number)?;
                after
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let (word, after) = split_word(rest);
                check_word(word, is_first)?;
                is_first = false;
                after
            }
            c if c.is_ascii() => after,
            _ => return Err("a name outside ASCII must be quoted"),
        };
    }
    if is_first { Err(BEGINNING) } else { Ok(()) }
}

fn split_word(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '$'));
    end.and_then(|end| text.split_at_checked(end)).unwrap_or((text, ""))
}

/// Some dialects read `1INTO` as a number and a word.
fn check_number(number: &str) -> Result<(), &'static str> {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let (whole, exponent) = number.split_once(['e', 'E']).unwrap_or((number, ""));
    (digits(whole) && digits(exponent)).then_some(()).ok_or("a number must be in decimal digits")
}

const BEGINNING: &str = "it must begin with SELECT, WITH, SHOW, DESCRIBE or EXPLAIN";

fn check_word(word: &str, is_first: bool) -> Result<(), &'static str> {
    if word.contains('$') {
        return Err("system functions are refused");
    }
    let is = |list: &[&str]| list.iter().any(|listed| listed.eq_ignore_ascii_case(word));
    if is_first && !is(&BEGINNINGS) {
        return Err(BEGINNING);
    }
    if is(&WRITING) {
        return Err("it must only read; quote a name that is also a word for writing");
    }
    Ok(())
}
