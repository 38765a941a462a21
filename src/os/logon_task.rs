//! A task of Windows' Task Scheduler that runs a program in the session of a user who logs on. A service cannot do that:
//! its session has no desktop.

use std::ffi::OsString;
#[cfg(windows)]
use std::path::Path;

/// A program to run whenever a user logs on.
#[derive(Clone, Debug)]
pub struct LogonTask<'a> {
    /// Name of the task.
    pub name: &'a str,
    /// What it is, for people.
    pub description: &'a str,
    /// The user's account, `DOMAIN\user`.
    pub account: &'a str,
    /// The program.
    pub program: &'a str,
    /// Its arguments.
    pub args: &'a [String],
}

impl LogonTask<'_> {
    /// The task as Task Scheduler imports it. Its command line alone could not lift the limit of three days.
    pub fn definition(&self) -> String {
        let args: Vec<String> = self.args.iter().map(|arg| quoted(arg)).collect();
        let [description, account, program, args] =
            [self.description, self.account, self.program, &args.join(" ")].map(escaped);
        format!(
            r#"<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>{description}</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <Enabled>true</Enabled>
      <UserId>{account}</UserId>
    </LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>{account}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>999</Count>
    </RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{program}</Command>
      <Arguments>{args}</Arguments>
    </Exec>
  </Actions>
</Task>
"#
        )
    }

    /// The definition as bytes of the file to import.
    pub fn file(&self) -> Vec<u8> {
        let units = std::iter::once(0xfeff).chain(self.definition().encode_utf16().collect::<Vec<_>>());
        units.flat_map(u16::to_le_bytes).collect()
    }

    /// Arguments of `schtasks` that create the task from its file, or replace it.
    pub fn create_args(&self, file: OsString) -> Vec<OsString> {
        let words = ["/Create", "/F", "/TN", self.name, "/XML"].map(OsString::from);
        words.into_iter().chain([file]).collect()
    }

    /// Arguments of `schtasks` that start it at once.
    pub fn run_args(&self) -> Vec<OsString> {
        ["/Run", "/TN", self.name].map(OsString::from).into()
    }

    /// Creates the task and starts it. The error is what Windows says.
    #[cfg(windows)]
    pub fn install(&self, scratch: &Path) -> std::io::Result<()> {
        let file = scratch.join("task.xml");
        std::fs::write(&file, self.file())?;
        let created = schtasks(&self.create_args(file.clone().into()));
        let _ = std::fs::remove_file(&file);
        created.and_then(|()| schtasks(&self.run_args()))
    }
}

#[cfg(windows)]
fn schtasks(args: &[OsString]) -> std::io::Result<()> {
    let output = std::process::Command::new("schtasks").args(args).stdin(std::process::Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(std::io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

/// An argument as programs for Windows parse it: quotes are needed around spaces, and a path never has quotes in it.
fn quoted(arg: &str) -> String {
    let needs = arg.is_empty() || arg.contains([' ', '\t']);
    // A backslash before the closing quote would escape it.
    let end = if needs && arg.ends_with('\\') { "\\" } else { "" };
    if needs { format!("\"{arg}{end}\"") } else { arg.to_owned() }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(args: &[String]) -> LogonTask<'_> {
        LogonTask {
            name: "Dinkem Appliance Node",
            description: "Render node",
            account: r"STUDIO\render",
            program: r"C:\Program Files\Dinkem & Co\dinkem-appliance.exe",
            args,
        }
    }

    #[test]
    fn task_runs_in_the_users_session_without_a_time_limit() {
        let args = ["--config", r"C:\Users\the render\config.toml", "node", "--state-dir", r"D:\my node\"];
        let args = args.map(str::to_owned);
        let text = task(&args).definition();
        for part in [
            r"<UserId>STUDIO\render</UserId>",
            "<LogonType>InteractiveToken</LogonType>",
            "<RunLevel>LeastPrivilege</RunLevel>",
            "<ExecutionTimeLimit>PT0S</ExecutionTimeLimit>",
            r"<Command>C:\Program Files\Dinkem &amp; Co\dinkem-appliance.exe</Command>",
            r#"<Arguments>--config "C:\Users\the render\config.toml" node --state-dir "D:\my node\\"</Arguments>"#,
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        let file = task(&args).file();
        assert_eq!((&file[..4], file.len()), (&b"\xff\xfe<\0"[..], 2 + 2 * text.encode_utf16().count()));
    }

    #[test]
    fn task_scheduler_is_told_to_replace_and_start_the_task() {
        let words = |args: Vec<OsString>| args.iter().map(|arg| arg.to_string_lossy()).collect::<Vec<_>>().join("|");
        assert_eq!(words(task(&[]).create_args("x.xml".into())), "/Create|/F|/TN|Dinkem Appliance Node|/XML|x.xml");
        assert_eq!(words(task(&[]).run_args()), "/Run|/TN|Dinkem Appliance Node");
    }
}
