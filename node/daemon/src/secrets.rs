//! Passwords for commands: asked on the terminal, or from the environment for scripts. Never arguments, which every user
//! of the machine can see.

use std::io::IsTerminal;

/// The password of the administrator who acts.
pub const ADMINISTRATOR: &str = "NOROSHI_ADMIN_PASSWORD";
/// The password being set for somebody.
pub const NEW_PASSWORD: &str = "NOROSHI_NEW_PASSWORD";
/// The passphrase that seals the organisation's root key.
pub const PASSPHRASE: &str = "NOROSHI_PASSPHRASE";

/// Why there is no password.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("no terminal to ask on: set {0}")]
    NoTerminal(&'static str),
    #[error("the two entries differ")]
    Differ,
    #[error("cannot read from the terminal: {0}")]
    Terminal(std::io::Error),
}

/// Asks once, for a password that exists.
pub fn ask(variable: &'static str, prompt: &str) -> Result<String, SecretError> {
    if let Ok(value) = std::env::var(variable) {
        return Ok(value);
    }
    if !std::io::stdin().is_terminal() {
        return Err(SecretError::NoTerminal(variable));
    }
    rpassword::prompt_password(format!("{prompt}: ")).map_err(SecretError::Terminal)
}

/// Asks twice, for a password that is being made.
pub fn make(variable: &'static str, prompt: &str) -> Result<String, SecretError> {
    if let Ok(value) = std::env::var(variable) {
        return Ok(value);
    }
    let first = ask(variable, prompt)?;
    let second = ask(variable, "once more")?;
    if first == second { Ok(first) } else { Err(SecretError::Differ) }
}
