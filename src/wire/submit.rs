//! Parses the body of `POST /api/clips` as strictly as the contract's page "Submitting Render Jobs" requires. Names,
//! types and defaults are here; the rules for single values are in [`crate::domain::job`].

use crate::domain::error::Result;
use crate::domain::http_url::check_http_url;
use crate::domain::job::{self, Commands, JobSpec, Renderer, SteamId};
use crate::wire::fields::Fields;

/// Bytes of `metadata`, as the client wrote it.
const METADATA_BYTES: usize = 2 * 1024;

const FIELDS: &[&str] = &["demo_url", "steam64_id", "round", "fps", "resolution", "commands", "metadata", "renderer"];
const COMMANDS: &[&str] = &["spec_show_xray", "cl_draw_only_deathnotices"];

/// The submitted job, or an error that names the invalid field. `default_renderer` is for jobs that do not ask for one.
pub fn read_submit(body: &[u8], default_renderer: Renderer) -> Result<JobSpec> {
    let fields = Fields::of_body(body, FIELDS)?;

    let demo_url = fields.require("demo_url", fields.string("demo_url")?)?;
    check_http_url("demo_url", &demo_url)?;
    let steam64_id = fields.require("steam64_id", fields.string("steam64_id")?)?;
    let steam64_id = SteamId::parse(&steam64_id, "steam64_id")?;
    let round = job::check_round(fields.require("round", fields.integer("round")?)?)?;
    let fps = fields.integer("fps")?.map_or(Ok(JobSpec::DEFAULT_FPS), job::check_fps)?;
    let resolution = fields.integer("resolution")?.map_or(Ok(JobSpec::DEFAULT_RESOLUTION), job::check_resolution)?;
    let commands = read_commands(&fields)?;
    let metadata = read_metadata(&fields)?;
    let renderer = match fields.string("renderer")? {
        None => default_renderer,
        Some(word) => {
            Renderer::parse(&word).ok_or_else(|| fields.wrong("renderer", "must be \"builtin\" or \"game\""))?
        }
    };
    Ok(JobSpec { demo_url, steam64_id, round, fps, resolution, commands, renderer, metadata })
}

fn read_commands(fields: &Fields<'_>) -> Result<Commands> {
    let mut commands = Commands::default();
    if let Some(given) = fields.object("commands", COMMANDS)? {
        let switch = |name: &str| match given.string(name)?.as_deref() {
            None => Ok(None),
            Some("0") => Ok(Some(false)),
            Some("1") => Ok(Some(true)),
            Some(_) => Err(given.wrong(name, "must be the string \"0\" or \"1\"")),
        };
        commands.spec_show_xray = switch("spec_show_xray")?.unwrap_or(commands.spec_show_xray);
        commands.cl_draw_only_deathnotices =
            switch("cl_draw_only_deathnotices")?.unwrap_or(commands.cl_draw_only_deathnotices);
    }
    Ok(commands)
}

fn read_metadata(fields: &Fields<'_>) -> Result<Option<String>> {
    let Some(text) = fields.own_object("metadata")? else { return Ok(None) };
    if text.len() > METADATA_BYTES {
        return Err(fields.wrong("metadata", &format!("must have at most {METADATA_BYTES} bytes")));
    }
    Ok(Some(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://example.com/demo.dem";
    const PLAYER: &str = "76561198000000000";

    /// A valid body with `extra` members after the required ones.
    fn with(extra: &str) -> String {
        let comma = if extra.is_empty() { "" } else { "," };
        format!(r#"{{"demo_url":"{URL}","steam64_id":"{PLAYER}","round":5{comma}{extra}}}"#)
    }

    /// A valid body with one required member's value replaced.
    fn replaced(name: &str, value: &str) -> String {
        let mut values =
            [("demo_url", format!("\"{URL}\"")), ("steam64_id", format!("\"{PLAYER}\"")), ("round", "5".into())];
        for (known, kept) in &mut values {
            if *known == name {
                *kept = value.to_owned();
            }
        }
        let members: Vec<_> = values.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    }

    fn read(body: impl AsRef<[u8]>) -> Result<JobSpec> {
        read_submit(body.as_ref(), JobSpec::DEFAULT_RENDERER)
    }

    #[track_caller]
    fn refused(body: impl AsRef<[u8]>, field: Option<&str>) {
        let body = body.as_ref();
        let shown = String::from_utf8_lossy(body);
        match read(body) {
            Ok(_) => panic!("accepted: {shown}"),
            Err(error) => assert_eq!(error.field.as_deref(), field, "{shown}: {error}"),
        }
    }

    #[test]
    fn omitted_fields_get_the_contracts_defaults() {
        let spec = read(with("")).unwrap();
        assert_eq!((spec.demo_url.as_str(), spec.steam64_id.to_string().as_str(), spec.round), (URL, PLAYER, 5));
        assert_eq!((spec.fps, spec.resolution, spec.renderer, spec.metadata), (30, 1080, Renderer::Builtin, None));
        assert_eq!(spec.commands, Commands { spec_show_xray: false, cl_draw_only_deathnotices: true });
        assert_eq!(read(with(r#""commands":{}"#)).unwrap().commands, spec.commands);
    }

    #[test]
    fn every_valid_body_is_accepted() {
        let spec = read(with(
            r#""fps":60,"resolution":1440,"renderer":"game","metadata":{ "a" : [1,2.50,{"b":null}] },
               "commands":{"spec_show_xray":"1","cl_draw_only_deathnotices":"0"}"#,
        ))
        .unwrap();
        assert_eq!((spec.fps, spec.resolution, spec.renderer), (60, 1440, Renderer::Game));
        assert_eq!(spec.commands, Commands { spec_show_xray: true, cl_draw_only_deathnotices: false });
        assert_eq!(spec.metadata.as_deref(), Some(r#"{ "a" : [1,2.50,{"b":null}] }"#));
    }

    #[test]
    fn a_value_of_the_wrong_type_is_refused_and_its_field_named() {
        let not_integers = ["5.0", "5e0", "0.5e1", "\"5\"", "true", "false", "null", "[]", "[5]", "{}", "\"\"", "-5.0"];
        for value in not_integers {
            refused(replaced("round", value), Some("round"));
            refused(with(&format!("\"fps\":{}", value.replace('5', "30"))), Some("fps"));
            refused(with(&format!("\"resolution\":{}", value.replace('5', "1080"))), Some("resolution"));
        }
        let not_strings = ["5", "76561198000000000", "5.0", "true", "null", "[]", "[\"x\"]", "{}"];
        for value in not_strings {
            refused(replaced("demo_url", value), Some("demo_url"));
            refused(replaced("steam64_id", value), Some("steam64_id"));
            refused(with(&format!("\"renderer\":{value}")), Some("renderer"));
        }
        let not_objects = ["5", "\"x\"", "null", "true", "[]", "[{}]"];
        for value in not_objects {
            refused(with(&format!("\"commands\":{value}")), Some("commands"));
            refused(with(&format!("\"metadata\":{value}")), Some("metadata"));
        }
        for name in COMMANDS {
            let field = format!("commands.{name}");
            for value in
                ["0", "1", "true", "false", "null", "\"\"", "\"2\"", "\"01\"", "\"true\"", "\" 1\"", "[]", "{}"]
            {
                refused(with(&format!("\"commands\":{{\"{name}\":{value}}}")), Some(&field));
            }
        }
    }

    #[test]
    fn a_value_outside_its_range_is_refused_and_its_field_named() {
        let huge = "9".repeat(40);
        for value in ["0", "-1", "-0", "2147483648", "9223372036854775808", "-9223372036854775809", &huge] {
            refused(replaced("round", value), Some("round"));
            refused(with(&format!("\"fps\":{value}")), Some("fps"));
            refused(with(&format!("\"resolution\":{value}")), Some("resolution"));
        }
        for fps in [1, 29, 31, 59, 61, 120] {
            refused(with(&format!("\"fps\":{fps}")), Some("fps"));
        }
        for lines in [720, 1079, 1081, 2160] {
            refused(with(&format!("\"resolution\":{lines}")), Some("resolution"));
        }
        for id in
            ["", "STEAM_0:0:1", "7656119800000000", "765611980000000000", "76561190000000000", " 76561198000000000"]
        {
            refused(replaced("steam64_id", &format!("\"{id}\"")), Some("steam64_id"));
        }
        for url in ["", "demo.dem", "ftp://example.com/demo.dem", "https://u:p@example.com/demo.dem"] {
            refused(replaced("demo_url", &format!("\"{url}\"")), Some("demo_url"));
        }
        for renderer in ["", "Builtin", "gpu"] {
            refused(with(&format!("\"renderer\":\"{renderer}\"")), Some("renderer"));
        }
        for round in [1, 99, i64::from(job::ROUND_MAX)] {
            assert_eq!(i64::from(read(replaced("round", &round.to_string())).unwrap().round), round);
        }
    }

    #[test]
    fn a_missing_field_is_named() {
        refused("{}", Some("demo_url"));
        refused(format!(r#"{{"demo_url":"{URL}","round":5}}"#), Some("steam64_id"));
        refused(format!(r#"{{"demo_url":"{URL}","steam64_id":"{PLAYER}"}}"#), Some("round"));
        refused(format!(r#"{{"steam64_id":"{PLAYER}","round":5}}"#), Some("demo_url"));
    }

    #[test]
    fn unknown_or_duplicate_field_is_refused_at_any_depth() {
        refused(with(r#""webhook_url":"https://example.com""#), Some("webhook_url"));
        refused(with(r#""Round":5"#), Some("Round"));
        refused(with(r#""":1"#), Some(""));
        refused(with(r#""commands":{"sv_cheats":"1"}"#), Some("commands.sv_cheats"));
        refused(with(r#""round":5"#), Some("round"));
        refused(with(r#""ro\u0075nd":6"#), Some("round"));
        refused(with(r#""commands":{"spec_show_xray":"1","spec_show_xray":"1"}"#), Some("commands.spec_show_xray"));
        refused(with(r#""metadata":{"a":1,"a":2}"#), Some("metadata"));
        refused(with(r#""metadata":{"x":[{"y":{"a":1,"\u0061":2}}]}"#), Some("metadata"));
    }

    #[test]
    fn metadata_is_bounded_in_size_and_depth_and_is_valid_unicode() {
        let of_bytes = |bytes: usize| with(&format!(r#""metadata":{{"a":"{}"}}"#, "x".repeat(bytes - 8)));
        assert_eq!(read(of_bytes(METADATA_BYTES)).unwrap().metadata.unwrap().len(), METADATA_BYTES);
        refused(of_bytes(METADATA_BYTES + 1), Some("metadata"));
        refused(with(&format!(r#""metadata":{{"a":{}{}}}"#, "[".repeat(900), "]".repeat(900))), Some("metadata"));
        refused(with(r#""metadata":{"a":"\ud800"}"#), Some("metadata"));
        refused(with(r#""metadata":{"a":1e999}"#), Some("metadata"));
        let text = "{\"\u{1F3AE}\\u00e9\":-1.50e-3}";
        assert_eq!(read(with(&format!("\"metadata\":{text}"))).unwrap().metadata.as_deref(), Some(text));
    }

    #[test]
    fn a_body_that_is_not_one_json_object_is_refused() {
        let deep = "[".repeat(16_000);
        let bodies: [&[u8]; 16] = [
            b"",
            b" ",
            b"null",
            b"5",
            b"\"x\"",
            b"[]",
            b"[{}]",
            b"{",
            b"}",
            b"{}{}",
            b"{} x",
            b"{'a':1}",
            b"{\"a\":1,}",
            b"{\"a\":NaN}",
            b"\xef\xbb\xbf{}",
            b"{\"a\":\"\xff\"}",
        ];
        for body in bodies {
            refused(body, None);
        }
        refused(deep, None);
        refused(with("\"a\":[1"), None);
        refused(replaced("demo_url", r#""\ud800""#), Some("demo_url"));
    }
}
