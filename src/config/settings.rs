//! All settings: flags that can also be set in the environment and in `config.toml`, with their table.
//!
//! Other flags apply to a single call (`--fix`, `--output`, `--json`, …), so no variable or file can set them. Add new
//! settings here.

/// The flag that names the file.
pub const CONFIG: &str = "config";

/// Flags with a variable but no key, and their commands: the file cannot name itself, and a join token is used once.
const VARIABLE_ONLY: [(&str, &str); 3] = [("", CONFIG), ("node", "join"), ("node", "join-file")];

/// A table in the file.
#[derive(Debug)]
pub struct Table {
    /// Its name, as in `[serve]`; empty for the top-level keys.
    pub name: &'static str,
    /// The commands that read it, including their subcommands.
    commands: &'static [&'static str],
    /// Its keys: the flag names with underscores; in `[renderer]` and `[storage]` without their first word.
    pub keys: &'static [&'static str],
    /// Keys that accept a list.
    pub lists: &'static [&'static str],
}

/// All tables.
pub const TABLES: [Table; 6] = [
    Table { name: "", commands: &[""], keys: &["data_dir", "log"], lists: &[] },
    Table {
        name: "serve",
        // `doctor` checks the server's certificate.
        commands: &["serve", "windows-service", "admin doctor"],
        keys: &[
            "listen",
            "port_file",
            "tls_cert",
            "tls_key",
            "plain_http",
            "public_url",
            "lease_seconds",
            "local_nodes",
            "fetch_allow",
            "trusted_proxy",
            "metrics_allow",
            "metrics_token_file",
            "embed_allow",
            "clips_proxy",
            "dashboard_listen",
            "leader_lock",
            "replica_socket",
            "shard",
            "shard_map",
            "camera",
            "default_renderer",
            "reserved_beyond_dinks",
            "max_connections",
            "max_connections_per_address",
            "max_requests",
            "http_threads",
            "max_waiting_claims",
            "max_waiting_requests",
            "max_uploads",
            "max_node_uploads",
            "max_uploads_per_address",
            "tls_handshake_seconds",
            "head_seconds",
            "max_head_kib",
            "max_head_lines",
            "max_uri_kib",
            "idle_seconds",
            "max_json_kib",
            "body_idle_seconds",
            "min_body_kib_per_second",
            "body_window_seconds",
            "answer_stall_seconds",
            "drain_kib",
            "drain_seconds",
            "stop_seconds",
            "max_queued_jobs",
            "max_demos_mib",
        ],
        lists: &["fetch_allow", "trusted_proxy", "metrics_allow", "embed_allow"],
    },
    Table {
        name: "node",
        commands: &["node"],
        keys: &["server", "name", "state_dir", "slots", "fetch_allow", "max_jobs", "idle_exit"],
        lists: &["fetch_allow"],
    },
    Table { name: "client", commands: &["submit", "clips"], keys: &["server", "ca", "key_file"], lists: &[] },
    Table {
        name: RENDERER,
        commands: &["node"],
        keys: &[
            "kind",
            "program",
            "args",
            "game_dir",
            "hlae",
            "csdm",
            "ffmpeg",
            "steam_id",
            "require_pov",
            "audio",
            "canary",
            "resolutions",
        ],
        lists: &["kind", "args", "resolutions"],
    },
    Table {
        name: STORAGE,
        commands: &["serve", "windows-service", "admin"],
        keys: &["kind", "endpoint", "bucket", "prefix", "region", "credentials_file", "ca_file", "allow_http"],
        lists: &[],
    },
];

/// The table for `--renderer` and the flags that begin with it.
const RENDERER: &str = "renderer";
/// The same for `--storage`.
const STORAGE: &str = "storage";

impl Table {
    /// The flag for a key.
    pub fn flag(&self, key: &str) -> String {
        match (self.name, key) {
            (RENDERER | STORAGE, "kind") => self.name.to_owned(),
            (RENDERER | STORAGE, key) => format!("{}-{}", self.name, key.replace('_', "-")),
            (_, key) => key.replace('_', "-"),
        }
    }

    /// The key for a flag.
    pub fn key(&self, flag: &str) -> Option<&'static str> {
        self.keys.iter().copied().find(|key| self.flag(key) == flag)
    }

    /// Text after a key in a message.
    pub fn suffix(&self) -> String {
        if self.name.is_empty() { String::new() } else { format!(" in [{}]", self.name) }
    }
}

/// The table and key for a flag of a command (such as `admin doctor`).
pub fn find(command: &str, flag: &str) -> Option<(&'static Table, &'static str)> {
    let mut tables = TABLES.iter().filter(|table| table.commands.iter().any(|reader| is_below(command, reader)));
    tables.find_map(|table| Some((table, table.key(flag)?)))
}

/// The variable for a flag of a command: `lease-seconds` has `DINKEM_LEASE_SECONDS`.
pub fn variable(command: &str, flag: &str) -> Option<String> {
    let is_setting = find(command, flag).is_some()
        || VARIABLE_ONLY.iter().any(|(reader, own)| *own == flag && is_below(command, reader));
    is_setting.then(|| format!("DINKEM_{}", flag.replace('-', "_").to_uppercase()))
}

/// Whether a command is the given one or one of its subcommands.
fn is_below(command: &str, above: &str) -> bool {
    let rest = command.strip_prefix(above);
    above.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_depend_on_the_command() {
        for (command, flag, table) in [
            ("serve", "listen", Some("serve")),
            ("windows-service", "listen", Some("serve")),
            ("admin doctor", "tls-cert", Some("serve")),
            ("admin doctor", "fix", None),
            ("node", "server", Some("node")),
            ("node check", "state-dir", Some("node")),
            ("node", "renderer", Some("renderer")),
            ("node check", "renderer-game-dir", Some("renderer")),
            ("node", "game-dir", None),
            ("submit", "server", Some("client")),
            ("submit", "output", None),
            ("admin jobs list", "node", None),
            ("admin jobs list", "log", Some("")),
            ("nodes", "slots", None),
        ] {
            assert_eq!(find(command, flag).map(|(table, _)| table.name), table, "{command} --{flag}");
        }
    }

    #[test]
    fn only_settings_have_variables() {
        assert_eq!(variable("serve", "lease-seconds").as_deref(), Some("DINKEM_LEASE_SECONDS"));
        assert_eq!(variable("", "config").as_deref(), Some("DINKEM_CONFIG"));
        assert_eq!(variable("node install", "join-file").as_deref(), Some("DINKEM_JOIN_FILE"));
        assert_eq!(variable("quickstart", "exit"), None);
        assert_eq!(variable("", "json"), None);
    }
}
