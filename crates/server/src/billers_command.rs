//! `billfold-server billers`: the directory of billers, for who publishes it. Making a key, signing a text, and looking
//! whether a signed text is what devices of this build take.

use std::error::Error;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use data_encoding::{BASE64, HEXLOWER};
use domain::billers::{Directory, DirectoryKey};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use server::billers;
use zeroize::Zeroizing;

type Done = Result<(), Box<dyn Error>>;

#[derive(Args)]
pub struct BillersArguments {
    #[command(subcommand)]
    what: BillersCommand,
}

#[derive(Subcommand)]
enum BillersCommand {
    /// Make a key to sign with; what it prints is what a build believes (`BILLFOLD_BILLERS_KEY`).
    Key {
        /// The file that the secret goes to; it must not be there yet.
        file: PathBuf,
    },
    /// Sign a directory; the signature is written beside it.
    Sign {
        file: PathBuf,
        /// The secret that `key` made.
        #[arg(long)]
        key: PathBuf,
    },
    /// Look whether a directory and its signature are what devices of this build take.
    Check {
        file: PathBuf,
        /// Another key than this build's, as `key` printed it.
        #[arg(long)]
        key: Option<String>,
    },
}

pub fn run(arguments: &BillersArguments) -> Done {
    let said = match &arguments.what {
        BillersCommand::Key { file } => make_key(file)?,
        BillersCommand::Sign { file, key } => sign(file, key)?,
        BillersCommand::Check { file, key } => check(file, key.as_deref())?,
    };
    writeln!(std::io::stdout(), "{said}")?;
    Ok(())
}

fn make_key(file: &Path) -> Result<String, Box<dyn Error>> {
    let document =
        Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| "there is no chance to make a key of")?;
    let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).map_err(|_| "the key that was made does not read")?;
    let secret = Zeroizing::new(BASE64.encode(document.as_ref()) + "\n");
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut kept = options.open(file)?;
    kept.write_all(secret.as_bytes())?;
    kept.sync_all()?;
    Ok(HEXLOWER.encode(pair.public_key().as_ref()))
}

fn sign(file: &Path, key: &Path) -> Result<String, Box<dyn Error>> {
    let text = fs::read_to_string(file)?;
    let directory = Directory::read(&text)?;
    let secret = Zeroizing::new(fs::read_to_string(key)?);
    let secret = Zeroizing::new(BASE64.decode(secret.trim().as_bytes()).map_err(|_| "the key's file holds no key")?);
    // A key of another tool may leave its public half out.
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&secret).map_err(|_| "the key's file holds no key")?;
    let mut beside = file.as_os_str().to_owned();
    beside.push(billers::SIGNATURE_ENDING);
    fs::write(&beside, BASE64.encode(pair.sign(text.as_bytes()).as_ref()) + "\n")?;
    let public = HEXLOWER.encode(pair.public_key().as_ref());
    Ok(format!(
        "version {}, {} billers, signed for builds that believe {public}",
        directory.version,
        directory.billers.len()
    ))
}

fn check(file: &Path, key: Option<&str>) -> Result<String, Box<dyn Error>> {
    let key = match key {
        Some(text) => DirectoryKey::parse(text).ok_or("a key has 64 hexadecimal digits")?,
        None => DirectoryKey::pinned().ok_or(billers::LoadError::NoKey)?,
    };
    let directory = billers::read(file)?.open_after(&key, Directory::built_in().version)?;
    let payable = directory.billers.iter().filter(|biller| biller.payable).count();
    Ok(format!(
        "version {} of {}: {} billers, {payable} payable; devices take it",
        directory.version,
        directory.made_on,
        directory.billers.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_is_taken_by_its_key_alone_and_a_key_is_never_written_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, secret) = (folder.path().join("directory.json"), folder.path().join("secret"));
        fs::write(&file, domain::billers::SignedDirectory::built_in().text).expect("a file");
        let public = make_key(&secret).expect("a key");
        assert!(make_key(&secret).is_err(), "a key that is there stays");
        assert!(check(&file, None).is_err(), "it is not signed yet");
        assert!(sign(&file, &secret).expect("signed").contains(&public));
        assert!(check(&file, Some(&public)).expect("taken").contains("devices take it"));
        assert!(check(&file, None).is_err(), "this build believes another key");
        fs::write(&file, "{}").expect("a file");
        assert!(sign(&file, &secret).is_err(), "what is no directory is not signed");
    }
}
