//! Passwords that are tried first: common ones, their decorations, sequences, repetitions, the person's own name (NIST SP
//! 800-63B, section 3.1.1.2).
//!
//! No list of whole passwords, which would be long and still miss `Sunshine2027!`: what is common is taken out piece by piece,
//! and what is left must be enough.

/// Characters that must be left. Four are a year, two digits and an exclamation mark.
const LEAST_LEFT: usize = 5;
/// A piece of the person's own, shorter than which it is found everywhere.
const LEAST_PIECE: usize = 3;

/// Pieces of the most common passwords.
const WORDS: &str = "abcdef access action adidas admin administrator adobe alexander amanda amazon america andrea andrew android \
    angel angela anthony apple april arsenal ashley asshole august austin azerty babygirl bailey banana \
    barcelona baseball basketball batman beautiful benjamin biteme blahblah blessed blink182 bonjour boston \
    brandon brasil business buster butterfly canada carlos changeit changeme charlie cheese chelsea chester \
    chicken chocolate chris christian christmas company computer cookie cowboy creative crystal daniel danielle \
    database december default diamond dolphin dragon eagles elizabeth email england everton expired facebook \
    family february ferrari fishing flower football forever freedom friday friend friends fuckyou gandalf george \
    germany giants ginger google guitar hammer hannah happy harley heather hello hockey hunter iceman iloveyou \
    internet iphone jackson january jasmine jasper jennifer jessica jessie jesus johnny jonathan jordan joseph \
    joshua july junior justin killer kitten klaster knight lakers letmein linkedin liverpool london love lovely \
    madison maggie manager manchester march marina marseille martin master matrix matthew maverick melissa \
    merlin mexico michael michelle mickey microsoft miller minecraft monday monkey monster morgan motdepasse \
    mother mustang myspace naruto natalie nathan network nicholas nicole nothing november october office oliver \
    orange pakistan pantera parola pass passw passwd password passwort patrick peaches peanut pepper phoenix \
    please pokemon porsche prince princess private purple pussy rabbit rachel rainbow ranger realmadrid rebecca \
    robert root samantha samsung sandra saturday school scooter secret security september server service sesame \
    shadow silver slipknot snoopy soccer sophie spiderman spring starwars steelers stephanie steven summer \
    sunday sunshine superman superstar system tennis test testing thomas thunder thursday tigger tinkerbell \
    trustno tuesday turtle undertaker user vanessa victoria wachtwoord wednesday welcome whatever william \
    willkommen winner winter wizard world yankees yellow zaq1";

/// Rows and columns of keyboards, the alphabet, the digits: three neighbours of one, in either direction, are a piece.
const ROWS: [&str; 12] = [
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "qsdfghjklm",
    "zxcvbnm",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik",
    "qazwsxedcrfvtgbyhnujmik",
    "!@#$%^&*()",
];

/// Whether a password, in the form that is hashed, is soon guessed. `about` are texts that a guesser knows: name, email,
/// workspace, product.
pub(super) fn is_guessable(password: &str, about: &[&str]) -> bool {
    let password: Vec<char> = password.chars().flat_map(char::to_lowercase).collect();
    let own: Vec<String> = about.iter().flat_map(|text| pieces(text)).collect();
    let (mut at, mut left) = (0, 0);
    while let Some(rest) = password.get(at..).filter(|rest| !rest.is_empty()) {
        let before = password.get(..at).unwrap_or_default();
        let known =
            own.iter().map(String::as_str).chain(WORDS.split(' ')).map(|word| begins(rest, word)).max();
        let longest = known.unwrap_or(0).max(run(rest)).max(year(rest)).max(repeated(before, &password));
        left += usize::from(longest == 0);
        at += longest.max(1);
    }
    left < LEAST_LEFT
}

/// A text's words, and the whole without what is between them.
fn pieces(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let words = text.split(|c: char| !c.is_alphanumeric());
    let mut pieces: Vec<String> = words.map(str::to_owned).collect();
    pieces.push(pieces.concat());
    pieces.retain(|piece| piece.chars().count() >= LEAST_PIECE);
    pieces
}

/// The length of `word` where `rest` begins with it, else 0.
fn begins(rest: &[char], word: &str) -> usize {
    let length = word.chars().count();
    let same = rest.len() >= length && rest.iter().zip(word.chars()).all(|(have, want)| is(*have, want));
    if same { length } else { 0 }
}

/// Whether a character is a letter or how people disguise it.
fn is(have: char, want: char) -> bool {
    have == want
        || matches!(
            (have, want),
            ('@' | '4', 'a')
                | ('3', 'e')
                | ('1' | '!', 'i')
                | ('1', 'l')
                | ('0', 'o')
                | ('$' | '5', 's')
                | ('7', 't')
        )
}

/// The length of a run of three neighbours or more.
fn run(rest: &[char]) -> usize {
    let along = |row: &mut dyn Iterator<Item = char>| {
        let row: Vec<char> = row.collect();
        (0..row.len())
            .map(|from| row.iter().skip(from).zip(rest).take_while(|(want, have)| want == have).count())
            .max()
            .unwrap_or(0)
    };
    let longest = ROWS.iter().map(|row| along(&mut row.chars()).max(along(&mut row.chars().rev()))).max();
    longest.filter(|length| *length >= 3).unwrap_or(0)
}

/// Four digits of a year that somebody remembers.
fn year(rest: &[char]) -> usize {
    match rest {
        ['1', '9', third, fourth, ..] | ['2', '0', third, fourth, ..]
            if third.is_ascii_digit() && fourth.is_ascii_digit() =>
        {
            4
        }
        _ => 0,
    }
}

/// How much of what follows has stood before: two characters that repeat the one before them, or three of anywhere.
fn repeated(before: &[char], whole: &[char]) -> usize {
    let rest = whole.iter().skip(before.len());
    let from = |start: usize| whole.iter().skip(start).zip(rest.clone()).take_while(|(a, b)| a == b).count();
    let longest = (0..before.len())
        .map(|start| (from(start), before.len() - start))
        .filter(|(length, distance)| *length >= if *distance == 1 { 2 } else { 3 });
    longest.map(|(length, _)| length).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: [&str; 4] =
        ["Ada King-Noel", "ada.lovelace@engines.example", "Analytical Engines", "Sluicegate"];

    #[test]
    fn what_is_tried_first_is_refused() {
        for password in [
            "password12",
            "Password123!",
            "P@ssw0rd2027",
            "passwordpassword",
            "1234567890",
            "0987654321",
            "12345678910",
            "qwertyuiop",
            "qwerty123456",
            "1q2w3e4r5t",
            "1qaz2wsx3edc",
            "zxcvbnm123",
            "iloveyou12",
            "Sunshine2027!",
            "welcome-1999",
            "letmein!!!",
            "aaaaaaaaaa",
            "abababababab",
            "abcabcabcabc",
            "abcdefghij",
            "!@#$%^&*()",
            "hello world",
            "football 99",
            "passwort1234",
            // What the guesser knows of this person.
            "lovelace12",
            "Ada.Lovelace1",
            "adalovelace",
            "KingNoel2027",
            "sluicegate1",
            "Engines!2027",
            "analyticalengines",
        ] {
            assert!(is_guessable(password, &ABOUT), "{password}");
        }
    }

    #[test]
    fn what_has_enough_of_its_own_is_taken() {
        for password in [
            "correct horse battery staple",
            "lighthouse keeper",
            "dragon-Xk7#q2",
            "password of my grandmother",
            "kq8Zr!vT2m",
            "Pa$$ing clouds",
            "9f8e2c71b05d",
            "\u{43b}\u{443}\u{43d}\u{430} \u{43d}\u{430}\u{434} \u{43c}\u{43e}\u{440}\u{435}\u{43c}",
            "\u{6708}\u{304c}\u{7dba}\u{9e97}\u{3067}\u{3059}\u{306d}\u{4eca}\u{591c}\u{306f}",
        ] {
            assert!(!is_guessable(password, &ABOUT), "{password}");
        }
        assert!(!is_guessable("lovelace-engine-9", &[]), "only of whom it is");
    }

    #[test]
    fn the_pieces_are_lower_case_and_worth_their_bytes() {
        for word in WORDS.split(' ') {
            assert!(
                word.len() >= 4 && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()),
                "{word}"
            );
        }
        assert!(WORDS.len() < 3072, "{}", WORDS.len());
    }
}
