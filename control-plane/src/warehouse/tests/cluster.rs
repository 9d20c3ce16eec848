//! A PostgreSQL of the tests' own, in a temporary folder, which ends with the test process.
//!
//! Where no PostgreSQL is installed the tests that need one say so and pass, except in CI.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::{env, fs};

/// Waits for the end of its input, which the end of the test process brings about, however it ends.
const SERVE: &str = r#"
set -eu
cd /tmp
dir=$(mktemp -d /tmp/sluicegate-postgres-XXXXXX)
trap 'rm -rf "$dir"' EXIT
"$BIN/initdb" -D "$dir/data" -U admin -E UTF8 --locale=C --no-sync --auth-local=trust --auth-host=scram-sha-256 >&2
"$BIN/postgres" -D "$dir/data" -c listen_addresses=127.0.0.1 -c port="$PORT" -c unix_socket_directories="$dir" \
  -c fsync=off -c password_encryption=scram-sha-256 >"$dir/log" 2>&1 &
server=$!
until "$BIN/pg_isready" -q -h "$dir" -p "$PORT" -U admin; do kill -0 $server; sleep 0.05; done
echo "$dir"
read -r _ || true
kill -QUIT $server
wait $server || true
"#;

pub(super) struct Cluster {
    bin: PathBuf,
    sockets: String,
    pub(super) port: u16,
    _server: Child,
}

impl Cluster {
    /// The one that all tests of this process share, with `setup` run on it; `None` where there is no PostgreSQL.
    pub(super) fn shared(setup: &str) -> Option<&'static Self> {
        static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
        CLUSTER
            .get_or_init(|| {
                let Some(bin) = find() else {
                    assert!(env::var_os("CI").is_none(), "no PostgreSQL is installed");
                    writeln!(std::io::stderr(), "skipped: no PostgreSQL is installed").unwrap();
                    return None;
                };
                let cluster = Self::start(bin);
                cluster.admin(setup);
                Some(cluster)
            })
            .as_ref()
    }

    fn start(bin: PathBuf) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let is_root =
            fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0);
        // PostgreSQL does not run as root.
        let mut command = if is_root {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", SERVE]);
            command
        } else {
            let mut command = Command::new("sh");
            command.args(["-c", SERVE]);
            command
        };
        command.env("BIN", &bin).env("PORT", port.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = command.stderr(Stdio::null()).spawn().unwrap();
        let mut sockets = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut sockets).unwrap();
        assert!(!sockets.is_empty(), "PostgreSQL does not start");
        Self { bin, sockets: sockets.trim_end().to_owned(), port, _server: server }
    }

    /// Runs SQL as the superuser; gives back what it prints.
    pub(super) fn admin(&self, sql: &str) -> String {
        let output = Command::new(self.bin.join("psql"))
            .args(["-h", &self.sockets, "-p", &self.port.to_string(), "-U", "admin", "-d", "postgres"])
            .args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }
}

/// The folder of the newest that Debian's packages brought, or of the one on the path.
fn find() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|version| Path::new(&format!("/usr/lib/postgresql/{version}/bin/initdb")).exists())
        .max();
    if let Some(version) = newest {
        return Some(PathBuf::from(format!("/usr/lib/postgresql/{version}/bin")));
    }
    env::split_paths(&env::var_os("PATH")?).find(|folder| {
        ["initdb", "postgres", "pg_isready", "psql"].iter().all(|tool| folder.join(tool).exists())
    })
}
