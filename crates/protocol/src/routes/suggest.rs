//! Which path of the API somebody may have meant. The operator's are not suggested.

use super::{ROUTES, Route};
use crate::near::distance;

/// Slips that a suggestion may mend.
const MOST: usize = 2;

/// The nearest path of the table: for one slash too many, a missing `/v1`, a letter or two. A path that is in the table is its
/// own suggestion. Nothing of the request stands in the answer.
pub fn suggest(path: &str) -> Option<&'static str> {
    if path.len() > 200 {
        return None;
    }
    let lower = path.to_ascii_lowercase();
    let asked: Vec<&str> = lower.split('/').filter(|segment| !segment.is_empty()).collect();
    let asked = asked.strip_prefix(&["v1"]).unwrap_or(&asked);
    let open = ROUTES.iter().filter(|route| !route.path.starts_with("/v1/admin/"));
    let near = open.filter_map(|route| Some((slips(route, asked)?, route.path)));
    near.min_by_key(|(slips, _)| *slips).map(|(_, path)| path)
}

/// How far a path is from a row's; `None`: too far.
fn slips(route: &Route, asked: &[&str]) -> Option<usize> {
    let wanted: Vec<&str> = route.path.split('/').skip(2).collect();
    if wanted.len() != asked.len() {
        return None;
    }
    let mut slips = 0;
    for (wanted, asked) in wanted.iter().zip(asked) {
        if !wanted.starts_with('{') {
            slips += distance(wanted, asked, MOST.min(wanted.len() / 3))?;
        }
    }
    (slips <= MOST).then_some(slips)
}
