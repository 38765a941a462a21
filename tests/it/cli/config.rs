//! Precedence of settings: flag, environment variable, config file.

use std::fs;

use crate::support::cli::{Cli, CliOutput};

/// The port of `--server` that was used, taken from the connection error.
fn port_used(output: &CliOutput) -> Option<&str> {
    let (_, rest) = output.err.split_once("127.0.0.1:")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()
}

#[test]
fn flags_override_environment_variables_which_override_the_file() {
    let cli = Cli::new();
    fs::write(cli.home().join("set.toml"), "server = \"http://127.0.0.1:3\"\nround = 4\n").unwrap();
    let key = ("DINKEM_API_KEY", "3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234");
    let variable = ("DINKEM_SERVER", "http://127.0.0.1:2");
    let flag = ["--server", "http://127.0.0.1:1"];
    let file = ["--config", "set.toml"];
    for (flag, variable, file, expected) in [
        (Some(flag), Some(variable), Some(file), "1"),
        (Some(flag), None, Some(file), "1"),
        (Some(flag), Some(variable), None, "1"),
        (None, Some(variable), Some(file), "2"),
        (None, Some(variable), None, "2"),
        (None, None, Some(file), "3"),
        (None, Some(("DINKEM_SERVER", "")), Some(file), "3"),
    ] {
        let mut args = vec!["submit", "https://demos.lan/x.dem", "--player", "76561197991272318", "--round", "1"];
        args.extend(flag.iter().chain(&file).flatten());
        let environment: Vec<_> = [key].into_iter().chain(variable).collect();
        let output = cli.run_in(&environment, &args);
        assert_eq!(port_used(&output), Some(expected), "{args:?} {environment:?}: {output:?}");
        assert_eq!(output.status, 1, "{output:?}");
    }
    // The file can also provide a required flag.
    let args = ["submit", "https://demos.lan/x.dem", "--player", "76561197991272318", "--config", "set.toml"];
    assert_eq!(port_used(&cli.run_in(&[key], &args)), Some("3"));
}

#[test]
fn data_directory_and_config_file_follow_the_same_precedence() {
    let cli = Cli::new();
    // Each directory has an account of its own name.
    let [flag, variable, file, own, _] =
        ["flag", "variable", "file", "own", ".local/share/dinkem-appliance"].map(|name| {
            let data = cli.make_data_dir(name);
            let output = cli.run(&["--data-dir", name, "admin", "account", "create", name]);
            assert_eq!(output.status, 0, "{output:?}");
            data
        });
    let list = ["admin", "account", "list", "--json"];
    let is_of = |output: &CliOutput, name: &str| output.json()["accounts"][0]["name"] == name;
    let set = format!("data_dir = '{}'\n", file.display());
    fs::write(cli.home().join("set.toml"), &set).unwrap();
    let variable_text = variable.to_str().unwrap();

    let output = cli.run_in(&[("DINKEM_CONFIG", "set.toml")], &list);
    assert!(is_of(&output, "file"), "the variable names the config file: {output:?}");
    let output = cli.run_in(&[("DINKEM_CONFIG", "set.toml"), ("DINKEM_DATA_DIR", variable_text)], &list);
    assert!(is_of(&output, "variable"), "{output:?}");
    let args = [&["--data-dir", flag.to_str().unwrap()], list.as_slice()].concat();
    let output = cli.run_in(&[("DINKEM_DATA_DIR", variable_text)], &args);
    assert!(is_of(&output, "flag"), "{output:?}");

    // Without any setting: the user's config file in the platform's default place, or else the default data directory.
    #[cfg(target_os = "linux")]
    {
        let place = cli.home().join(".config/dinkem-appliance");
        let output = cli.run(&list);
        assert!(is_of(&output, ".local/share/dinkem-appliance"), "{output:?}");
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("config.toml"), format!("data_dir = '{}'\n", own.display())).unwrap();
        let output = cli.run(&list);
        assert!(is_of(&output, "own"), "{output:?}");
    }
}

#[test]
fn global_flags_may_stand_anywhere_and_boolean_flags_can_be_set_elsewhere() {
    let cli = Cli::new();
    let data = cli.make_data_dir("data");
    let data = data.to_str().unwrap();
    for args in [
        vec!["--json", "--data-dir", data, "--log", "off", "admin", "account", "list"],
        vec!["admin", "--json", "account", "--data-dir", data, "list", "--log", "off"],
        vec!["admin", "account", "list", "--log", "off", "--json", "--data-dir", data],
    ] {
        assert!(cli.run(&args).json()["accounts"].is_array());
    }
    let table = ["admin", "account", "list", "--data-dir", data];
    assert!(cli.run(&table).out.starts_with("NAME"));
    for (variable, is_json) in [("1", true), ("true", true), ("0", false), ("false", false), ("", false)] {
        let output = cli.run_in(&[("DINKEM_JSON", variable)], &table);
        assert_eq!(output.out.starts_with('{'), is_json, "{variable}: {output:?}");
    }
    fs::write(cli.home().join("set.toml"), "json = true\n").unwrap();
    assert!(cli.run(&[&table[..], &["--config", "set.toml"]].concat()).json()["accounts"].is_array());
}

#[test]
fn config_file_error_names_key_and_line_and_exits_with_2() {
    let cli = Cli::new();
    for (text, parts) in [
        ("# ours\n\nlisen = '0.0.0.0:1'\n", ["`lisen`", "line 3 of"]),
        ("listen = '0.0.0.0:1'\nlog = 'loud'\n", ["--log", "line 2 of"]),
        ("data_dir = ['a', 'b']\n", ["`data_dir`", "line 1 of"]),
        ("\nlog = \n", ["TOML", "line 2 of"]),
        ("[renderer]\nkind = 'builtin'\nspeed = 'high'\n", ["`speed`", "line 3 of"]),
    ] {
        fs::write(cli.home().join("set.toml"), text).unwrap();
        let output = cli.run(&["admin", "account", "list", "--config", "set.toml"]);
        assert_eq!((output.status, output.out.as_str()), (2, ""), "{text:?}: {output:?}");
        assert!(parts.iter().all(|part| output.err.contains(part)), "{text:?}: {output:?}");
    }
    let output = cli.run(&["admin", "account", "list", "--config", "missing.toml"]);
    assert!(output.status == 2 && output.err.contains("missing.toml"), "{output:?}");
    fs::write(cli.home().join("set.toml"), "[renderer]\nkind = 'csdm'\n").unwrap();
    let output = cli.run(&["node", "--config", "set.toml"]);
    assert!(output.status == 2 && output.err.contains("builtin"), "{output:?}");
}
