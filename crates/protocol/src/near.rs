//! Names that somebody may have meant: misspelt by a letter or two, or in another case.

/// The nearest of `names`, if one is near: a slip for every three letters, two at most.
pub fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = wanted.to_ascii_lowercase();
    let near = names.into_iter().filter_map(|name| {
        let most = (name.len() / 3).clamp(1, 2);
        Some((distance(name, &wanted, most)?, name))
    });
    near.min_by_key(|(slips, _)| *slips).map(|(_, name)| name)
}

/// Letters to insert, leave out, exchange or swap with their neighbour to get from one to the other (optimal string
/// alignment); `None` above `most`.
pub(crate) fn distance(a: &str, b: &str, most: usize) -> Option<usize> {
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    let b = b.as_bytes();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut previous = None;
    for (row, x) in a.bytes().enumerate() {
        let mut now = Vec::with_capacity(last.len());
        now.push(row + 1);
        let mut left = None;
        for (column, y) in b.iter().copied().enumerate() {
            let at = |of: &[usize], place: usize| of.get(place).copied().unwrap_or(usize::MAX - 1);
            let mut slips = (at(&last, column) + usize::from(x != y))
                .min(at(&last, column + 1) + 1)
                .min(at(&now, column) + 1);
            if previous == Some(y) && left == Some(x) {
                slips = slips.min(at(&before, column.wrapping_sub(1)) + 1);
            }
            now.push(slips);
            left = Some(y);
        }
        before = std::mem::replace(&mut last, now);
        previous = Some(x);
    }
    last.pop().filter(|slips| *slips <= most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_misspelt_name_is_found() {
        let names = ["github", "gitlab", "gmail", "stripe", "standard-webhooks", "cal.com", "s3", "http"];
        for (wanted, meant) in [
            ("gihub", Some("github")),
            ("GitHub", Some("github")),
            ("gmial", Some("gmail")),
            ("strpie", Some("stripe")),
            ("cal-com", Some("cal.com")),
            ("standardwebhooks", Some("standard-webhooks")),
            ("htp", Some("http")),
            ("git", None),
            ("shopify", None),
            ("", None),
        ] {
            assert_eq!(nearest(wanted, names), meant, "{wanted}");
        }
    }

    #[test]
    fn known_distances() {
        for (a, b, slips) in
            [("", "", 0), ("ab", "ba", 1), ("kitten", "sitting", 3), ("ca", "abc", 3), ("a", "", 1)]
        {
            assert_eq!(distance(a, b, 9), Some(slips), "{a} {b}");
            assert_eq!(distance(b, a, 9), Some(slips), "{b} {a}");
            assert_eq!(distance(a, b, slips.wrapping_sub(1).min(9)).is_none(), slips > 0);
        }
    }

    proptest! {
        #[test]
        fn a_distance_is_symmetric_and_zero_only_of_itself(a in "[a-c]{0,6}", b in "[a-c]{0,6}") {
            prop_assert_eq!(distance(&a, &b, 9), distance(&b, &a, 9));
            prop_assert_eq!(distance(&a, &b, 9) == Some(0), a == b);
        }
    }
}
