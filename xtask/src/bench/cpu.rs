//! A process's CPU time, from Linux's `/proc`.

use anyhow::{Context as _, Result};
use std::fs;
use std::time::Duration;

/// The kernel's `USER_HZ`, in which `/proc` counts: 100 on every platform that workerd runs on.
const TICK: Duration = Duration::from_millis(10);

/// User and system time of a process and all its threads so far (proc(5), `stat` fields 14 and 15).
///
/// # Errors
/// When there is no such process, or no `/proc`: this bench wants Linux.
pub(super) fn of(pid: u32) -> Result<Duration> {
    let file = format!("/proc/{pid}/stat");
    let stat =
        fs::read_to_string(&file).with_context(|| format!("{file}: CPU time is read from Linux's /proc"))?;
    parse(&stat).with_context(|| format!("{file} is not of its form"))
}

fn parse(stat: &str) -> Option<Duration> {
    // The second field, the program's name in parentheses, may hold spaces and parentheses.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(TICK * user.checked_add(system)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_system_time_are_added_whatever_the_program_is_called() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 2 3 4 150 25 8 9 20 0 3 0 100 5 6";
        assert_eq!(parse(stat), Some(Duration::from_millis(1750)));
        assert_eq!(parse("7 (workerd) S 1"), None);
    }
}
