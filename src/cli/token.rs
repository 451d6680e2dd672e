//! `landfall token new`.

use super::args::{Scope, TokenCommand};
use super::{Exit, args, output};
use crate::clock::{Random, SystemRandom};
use crate::model::{Access, AccessHash, access_token};

/// Runs the command.
pub(super) fn run(args: &args::Token) -> Exit {
    let TokenCommand::New { scope, name } = &args.command;
    let access = match scope {
        Scope::Read => Access::Read,
        Scope::Operate => Access::Operate,
    };
    let token = access_token(SystemRandom.bytes());
    // The token is alone on the first line, for a script to take; what to write where follows.
    let lines = format!(
        "{token}\n\nThis is the token: it is shown this once, and only its hash is kept. For landfall.yaml:\n\n\
         api:\n  tokens:\n    {name}: {{ hash: \"{}\", scope: {} }}\n",
        AccessHash::of(&token),
        access.word(),
    );
    match output::put(&lines) {
        Ok(()) => Exit::Fine,
        Err(why) => {
            output::error(&why);
            Exit::Usage
        }
    }
}
