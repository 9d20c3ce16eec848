//! SOQL queries, read as a whole and written anew ("SOQL and SOSL Reference", Salesforce).
//!
//! One SELECT of listed fields of one listed object, or of COUNT, COUNT_DISTINCT, MIN and MAX over them; WHERE, GROUP
//! BY and ORDER BY over listed fields; LIMIT and OFFSET. A condition on a field reveals it as surely as selecting it, so
//! every field is held against the list wherever it stands. `only` narrows further: a history of changes is read for
//! the fields that may be read, and for no others.
//!
//! What the language has besides (sub-selects, relationship paths, aliases, TYPEOF, FIELDS(), FOR, USING, WITH, HAVING,
//! ALL ROWS, comments, bind variables) is no part of the grammar here and so refused.

use std::collections::BTreeMap;

use crate::catalogue::SoqlObject;

use super::refusal::listed;

/// The longest query, in bytes.
const MAX_QUERY: usize = 4 * 1024;
/// How deep conditions nest.
const MAX_DEPTH: usize = 8;

/// Why a SOQL query is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SoqlProblem {
    /// It isn't in the grammar.
    #[error(
        "it must be SELECT fields FROM object [WHERE …] [GROUP BY …] [ORDER BY …] [LIMIT n] [OFFSET n], without \
         sub-selects, relationship paths, aliases, comments and FOR, USING or WITH"
    )]
    Grammar,
    /// It is too long or nests too deep.
    #[error("it must be at most 4096 bytes, its conditions nested at most 8 deep")]
    Size,
    /// The object isn't listed.
    #[error("these objects may be read: {0}")]
    Object(String),
    /// The WHERE doesn't bind a field as it must.
    #[error("its WHERE must join conditions by AND alone, NOT in parentheses, and one of them be {0}")]
    Unbound(String),
    /// A field isn't listed.
    #[error("these fields of {object} may be named, in conditions too: {allowed}")]
    Field {
        /// The object.
        object: String,
        /// Its fields.
        allowed: String,
    },
}

/// The query to send for `text`, where it is a plain read of what `objects` lists.
pub(super) fn checked(text: &str, objects: &BTreeMap<String, SoqlObject>) -> Result<String, SoqlProblem> {
    if text.len() > MAX_QUERY {
        return Err(SoqlProblem::Size);
    }
    let tokens = tokens(text)?;
    // Which fields may be named is known by the object, which stands after the first of them.
    let from = tokens.iter().position(|token| token.is("FROM")).ok_or(SoqlProblem::Grammar)?;
    let Some(Token::Word(named)) = tokens.get(from + 1) else { return Err(SoqlProblem::Grammar) };
    let (name, object) = objects
        .iter()
        .find(|(object, _)| object.eq_ignore_ascii_case(named))
        .ok_or_else(|| SoqlProblem::Object(listed(objects.keys().cloned())))?;
    let mut parser =
        Parser { rest: &tokens, name, object, out: String::new(), is_conjunction: true, bound: vec![] };
    parser.query()?;
    for (field, values) in &object.only {
        if !parser.is_conjunction || !parser.bound.contains(&field.as_str()) {
            return Err(SoqlProblem::Unbound(format!("{field} = one of {}", values.join(", "))));
        }
    }
    Ok(parser.out)
}

#[derive(Clone, Copy)]
enum Token<'a> {
    /// A keyword or a name.
    Word(&'a str),
    /// A number, a date, a time, or a string with its quotes.
    Value(&'a str),
    /// `LAST_N_DAYS:7`.
    Relative(&'a str),
    /// `(`, `)`, `,` or an operator.
    Sign(&'a str),
}

impl Token<'_> {
    fn is(self, word: &str) -> bool {
        matches!(self, Token::Word(text) | Token::Sign(text) if text.eq_ignore_ascii_case(word))
    }
}

fn tokens(text: &str) -> Result<Vec<Token<'_>>, SoqlProblem> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start_matches(' ');
    while let Some(first) = rest.bytes().next() {
        let length_while = |is_part: fn(&u8) -> bool| rest.bytes().take_while(is_part).count();
        let is_word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
        let (length, token): (usize, fn(_) -> _) = match first {
            b'\'' => (string_length(rest).ok_or(SoqlProblem::Grammar)?, Token::Value),
            b'(' | b')' | b',' | b'=' => (1, Token::Sign),
            b'!' | b'<' | b'>' if rest.as_bytes().get(1) == Some(&b'=') => (2, Token::Sign),
            b'<' | b'>' => (1, Token::Sign),
            b'0'..=b'9' | b'-' => {
                (length_while(|b| b.is_ascii_alphanumeric() || b":.+-".contains(b)), Token::Value)
            }
            b'a'..=b'z' | b'A'..=b'Z' => {
                let word = length_while(is_word);
                match rest.get(word..).and_then(|after| after.strip_prefix(':')) {
                    Some(count) => {
                        (word + 1 + count.bytes().take_while(u8::is_ascii_digit).count(), Token::Relative)
                    }
                    None => (word, Token::Word),
                }
            }
            _ => return Err(SoqlProblem::Grammar),
        };
        let (text, after) = rest.split_at_checked(length).ok_or(SoqlProblem::Grammar)?;
        if first.is_ascii_digit() || first == b'-' {
            is_number_or_time(text).then_some(()).ok_or(SoqlProblem::Grammar)?;
        }
        tokens.push(token(text));
        rest = after.trim_start_matches(' ');
    }
    Ok(tokens)
}

/// The length of the string literal that `text` begins with, quotes included.
fn string_length(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' => return Some(at + 1),
            '\\' => {
                let (_, escape) = chars.next()?;
                match escape {
                    'n' | 'N' | 'r' | 'R' | 't' | 'T' | 'b' | 'B' | 'f' | 'F' | '"' | '\'' | '\\' | '_'
                    | '%' => {}
                    'u' => {
                        for _ in 0..4 {
                            chars.next().filter(|(_, digit)| digit.is_ascii_hexdigit())?;
                        }
                    }
                    _ => return None,
                }
            }
            c if c.is_control() => return None,
            _ => {}
        }
    }
    None
}

/// `-12`, `1.5`, `2026-01-31`, `2026-01-31T23:59:59Z`, also with milliseconds and an offset.
fn is_number_or_time(text: &str) -> bool {
    const TIMES: [&str; 7] = [
        "0000-00-00",
        "0000-00-00T00:00:00Z",
        "0000-00-00T00:00:00.000Z",
        "0000-00-00T00:00:00+00:00",
        "0000-00-00T00:00:00-00:00",
        "0000-00-00T00:00:00.000+0000",
        "0000-00-00T00:00:00.000-0000",
    ];
    let has_form = |form: &str| {
        form.len() == text.len()
            && form.bytes().zip(text.bytes()).all(|(expected, given)| match expected {
                b'0' => given.is_ascii_digit(),
                expected => given == expected,
            })
    };
    let number = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_digits =
        |digits: &str| (1..=18).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    (is_digits(whole) && is_digits(fraction)) || TIMES.iter().any(|form| has_form(form))
}

struct Parser<'a> {
    rest: &'a [Token<'a>],
    name: &'a str,
    object: &'a SoqlObject,
    out: String,
    /// Whether the WHERE joins by AND alone, negating nothing, outside parentheses.
    is_conjunction: bool,
    /// The fields that it binds there, as `only` wants.
    bound: Vec<&'a str>,
}

impl<'a> Parser<'a> {
    fn query(&mut self) -> Result<(), SoqlProblem> {
        self.expect("SELECT")?;
        self.list(Self::selected)?;
        self.expect("FROM")?;
        self.next()?;
        self.write(self.name);
        if self.take("WHERE") {
            self.condition(0)?;
        }
        if self.take("GROUP") {
            self.expect("BY")?;
            self.list(|parser| parser.field().map(drop))?;
        }
        if self.take("ORDER") {
            self.expect("BY")?;
            self.list(Self::ordered)?;
        }
        for keyword in ["LIMIT", "OFFSET"] {
            if self.take(keyword) {
                let Token::Value(text) = self.next()? else { return Err(SoqlProblem::Grammar) };
                text.parse::<u32>().map_err(|_| SoqlProblem::Grammar)?;
                self.write(text);
            }
        }
        if self.rest.is_empty() { Ok(()) } else { Err(SoqlProblem::Grammar) }
    }

    /// `COUNT()`, `MAX(field)` or a field.
    fn selected(&mut self) -> Result<(), SoqlProblem> {
        const FUNCTIONS: [&str; 4] = ["COUNT", "COUNT_DISTINCT", "MIN", "MAX"];
        let is_call = self.rest.get(1).is_some_and(|token| token.is("("));
        let function = FUNCTIONS.into_iter().find(|name| is_call && self.peek(name));
        let Some(function) = function else { return self.field().map(drop) };
        self.expect(function)?;
        self.expect("(")?;
        if !(function == "COUNT" && self.peek(")")) {
            self.field()?;
        }
        self.expect(")")
    }

    fn ordered(&mut self) -> Result<(), SoqlProblem> {
        self.selected()?;
        let _ = self.take("ASC") || self.take("DESC");
        if self.take("NULLS") && !self.take("FIRST") {
            self.expect("LAST")?;
        }
        Ok(())
    }

    /// Comparisons joined by AND or OR. SOQL wants parentheses where both stand in a row; that is its to refuse.
    fn condition(&mut self, depth: usize) -> Result<(), SoqlProblem> {
        if depth > MAX_DEPTH {
            return Err(SoqlProblem::Size);
        }
        loop {
            let is_negated = self.take("NOT");
            if self.take("(") {
                self.condition(depth + 1)?;
                self.expect(")")?;
            } else {
                let bound = self.comparison()?;
                self.bound.extend(bound.filter(|_| depth == 0));
            }
            let is_or = self.take("OR");
            self.is_conjunction &= depth > 0 || !(is_negated || is_or);
            if !is_or && !self.take("AND") {
                return Ok(());
            }
        }
    }

    /// A comparison. The field, where this binds it as `only` wants.
    fn comparison(&mut self) -> Result<Option<&'a str>, SoqlProblem> {
        let field = self.field()?;
        let allowed = self.object.only.get(field);
        let is_listed = |text: &str| {
            let value = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
            allowed.is_some_and(|allowed| allowed.iter().any(|listed| value == Some(listed.as_str())))
        };
        if self.take("=") {
            let value = self.value()?;
            return Ok(is_listed(value).then_some(field));
        }
        if ["!=", "<", "<=", ">", ">=", "LIKE"].into_iter().any(|operator| self.take(operator)) {
            self.value()?;
            return Ok(None);
        }
        let is_in = self.take("IN");
        let is_set = is_in
            || if self.take("NOT") {
                self.take("IN")
            } else {
                self.take("INCLUDES") || self.take("EXCLUDES")
            };
        if !is_set {
            return Err(SoqlProblem::Grammar);
        }
        self.expect("(")?;
        let mut are_listed = is_listed(self.value()?);
        while self.take(",") {
            are_listed &= is_listed(self.value()?);
        }
        self.expect(")")?;
        Ok((is_in && are_listed).then_some(field))
    }

    fn value(&mut self) -> Result<&'a str, SoqlProblem> {
        const WORDS: [&str; 3] = ["TRUE", "FALSE", "NULL"];
        const DAYS: [&str; 3] = ["TODAY", "YESTERDAY", "TOMORROW"];
        const SPANS: [&str; 6] = ["WEEK", "MONTH", "QUARTER", "YEAR", "FISCAL_QUARTER", "FISCAL_YEAR"];
        let text = match self.next()? {
            Token::Value(text) => text,
            Token::Word(word) => {
                let upper = word.to_ascii_uppercase();
                let span = ["THIS_", "LAST_", "NEXT_"].iter().find_map(|which| upper.strip_prefix(which));
                let is_known = WORDS.contains(&upper.as_str())
                    || DAYS.contains(&upper.as_str())
                    || span.is_some_and(|span| SPANS.contains(&span) || span == "90_DAYS");
                is_known.then_some(word).ok_or(SoqlProblem::Grammar)?
            }
            Token::Relative(text) => {
                let (word, count) = text.split_once(':').ok_or(SoqlProblem::Grammar)?;
                let upper = word.to_ascii_uppercase();
                let unit = ["LAST_N_", "NEXT_N_"]
                    .iter()
                    .find_map(|which| upper.strip_prefix(which))
                    .or_else(|| upper.strip_prefix("N_").and_then(|rest| rest.strip_suffix("_AGO")));
                let is_known = unit
                    .and_then(|unit| unit.strip_suffix('S'))
                    .is_some_and(|unit| unit == "DAY" || SPANS.contains(&unit));
                (is_known && (1..=5).contains(&count.len())).then_some(text).ok_or(SoqlProblem::Grammar)?
            }
            Token::Sign(_) => return Err(SoqlProblem::Grammar),
        };
        self.write(text);
        Ok(text)
    }

    fn field(&mut self) -> Result<&'a str, SoqlProblem> {
        let Token::Word(named) = self.next()? else { return Err(SoqlProblem::Grammar) };
        let field =
            self.object.fields.iter().find(|field| field.eq_ignore_ascii_case(named)).ok_or_else(|| {
                SoqlProblem::Field {
                    object: self.name.to_owned(),
                    allowed: listed(self.object.fields.iter().cloned()),
                }
            })?;
        self.write(field);
        Ok(field)
    }

    /// One item or more, separated by commas.
    fn list(&mut self, item: fn(&mut Self) -> Result<(), SoqlProblem>) -> Result<(), SoqlProblem> {
        item(self)?;
        while self.take(",") {
            item(self)?;
        }
        Ok(())
    }

    fn peek(&self, word: &str) -> bool {
        self.rest.first().is_some_and(|token| token.is(word))
    }

    /// Takes and writes a keyword or a sign, where it is next.
    fn take(&mut self, word: &str) -> bool {
        let Some((_, rest)) = self.rest.split_first().filter(|(token, _)| token.is(word)) else {
            return false;
        };
        self.rest = rest;
        self.write(word);
        true
    }

    fn expect(&mut self, word: &str) -> Result<(), SoqlProblem> {
        if self.take(word) { Ok(()) } else { Err(SoqlProblem::Grammar) }
    }

    fn next(&mut self) -> Result<Token<'a>, SoqlProblem> {
        let (token, rest) = self.rest.split_first().ok_or(SoqlProblem::Grammar)?;
        self.rest = rest;
        Ok(*token)
    }

    /// Tokens have a space between them, save at the inside of parentheses, before a comma and in a call.
    fn write(&mut self, token: &str) {
        let is_call =
            token == "(" && ["COUNT", "COUNT_DISTINCT", "MIN", "MAX"].iter().any(|f| self.out.ends_with(f));
        let is_close = matches!(token, ")" | ",") || self.out.ends_with('(') || self.out.is_empty();
        if !is_call && !is_close {
            self.out.push(' ');
        }
        self.out.push_str(token);
    }
}
