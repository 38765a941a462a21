//! The script that HLAE runs inside the game (`pov.js`), filled in for one attempt.

use std::path::Path;

use super::ending::Fault;
use super::values::plain;

/// Its source, with two placeholders.
const SOURCE: &str = include_str!("pov.js");
/// Maximum length of an attempt's token.
const TOKEN_CHARS: usize = 64;

/// The script for one player and one attempt. `None`: the token has characters other than ASCII letters and digits.
pub fn pov_script(steam64: u64, token: &str) -> Option<String> {
    let is_safe = (1..=TOKEN_CHARS).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_safe.then(|| SOURCE.replace("__STEAM64__", &steam64.to_string()).replace("__TOKEN__", token))
}

/// The two console lines that load the script. HLAE wants forward slashes.
pub fn load_lines(script: &Path) -> Result<[String; 2], Fault> {
    let path = plain("The work directory", script)?;
    Ok(["spec_autodirector 0".to_owned(), format!("mirv_script_load \"{path}\"")])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_cannot_break_out_of_the_script() {
        let script = pov_script(76_561_197_991_272_318, "f00d").unwrap();
        assert!(script.contains("BigInt('76561197991272318')") && script.contains("'DINKEM_POV f00d'"));
        assert!(!script.contains("__"), "every placeholder is filled in");
        for token in ["", "a b", "a'b", "ä", &"a".repeat(65)] {
            assert_eq!(pov_script(1, token), None, "{token}");
        }
    }
}
