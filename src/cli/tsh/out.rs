//! `tsh login --out`: a login as files for machines, instead of in the profile (wire facts 6.5).

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context;
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use super::session::Session;
use crate::{
    cli::error::Failure,
    client::{
        identity_file::IdentityFile,
        kubeconfig::{self, Entry, Owner, UserAuth},
    },
};

/// The form of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Form {
    /// One file with key, certificates and CAs: for `--identity`
    #[default]
    File,
    /// FILE and FILE-cert.pub: for `ssh -i FILE`
    Openssh,
    /// A kubeconfig with key and certificate in it
    Kubernetes,
    /// FILE.key, FILE.crt and FILE.cas
    Tls,
}

/// Writes a login. A file that is there already is replaced only if it is an earlier login of the same form, or if
/// `overwrite` says so; a kubeconfig gets one more entry. What was written, in a sentence.
pub(crate) fn write(out: &Path, form: Form, session: &Session, overwrite: bool) -> anyhow::Result<String> {
    if out.is_dir() {
        return Err(Failure::new("it is a folder; name a file").into());
    }
    if form == Form::Kubernetes {
        return kubeconfig(out, session);
    }
    let identity = identity(session);
    let parts = parts(out, form, &identity)?;
    if !overwrite {
        refuse_strangers(form, &parts)?;
    }
    replace_all(&parts)?;
    let names: Vec<String> = parts.iter().map(|(path, _)| path.display().to_string()).collect();
    Ok(format!("The certificate has been written to {}", names.join(", ")))
}

fn identity(session: &Session) -> IdentityFile {
    let credentials = &session.credentials;
    let line = |key: &String| format!("@cert-authority *.{} {key} type=host", session.cluster);
    IdentityFile {
        key_pem: credentials.key_pem.clone(),
        ssh_cert: Some(credentials.ssh_cert.clone()).filter(|cert| !cert.is_empty()),
        cert_pem: credentials.cert_pem.clone(),
        known_hosts: session.ssh_host_keys.iter().map(line).collect(),
        ca_pem: session.host_cas.clone(),
    }
}

type Part = (PathBuf, Zeroizing<String>);

/// The files, the private key last: who finds it finds its certificate too.
fn parts(out: &Path, form: Form, identity: &IdentityFile) -> anyhow::Result<Vec<Part>> {
    let beside = |end: &str| {
        let mut name = out.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    let text = |text: &str| Zeroizing::new(format!("{}\n", text.trim_end()));
    Ok(match form {
        Form::Openssh => {
            let cert = identity.ssh_cert.as_deref().context("the gate issued no SSH certificate")?;
            vec![(beside("-cert.pub"), text(cert)), (out.to_owned(), text(&identity.key_pem))]
        }
        Form::Tls => vec![
            (beside(".cas"), text(&identity.ca_pem)),
            (beside(".crt"), text(&identity.cert_pem)),
            (beside(".key"), text(&identity.key_pem)),
        ],
        Form::File | Form::Kubernetes => vec![(out.to_owned(), identity.to_text())],
    })
}

/// Refuses to replace what is no earlier login.
fn refuse_strangers(form: Form, parts: &[Part]) -> anyhow::Result<()> {
    for (path, _) in parts {
        let ours = match fs::read_to_string(path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
            Err(_) => false,
            Ok(text) if form == Form::File => IdentityFile::parse(&text).is_ok(),
            Ok(text) => text.starts_with("-----BEGIN ") || text.contains("-cert-v01@openssh.com "),
        };
        if !ours {
            let text =
                format!("{} is there already and is no earlier login; nothing was written", path.display());
            return Err(Failure::new(text).hint("name another file, or replace it with --overwrite").into());
        }
    }
    Ok(())
}

/// Puts all files into place, mode 0600 from their first byte; none of them if one cannot be written.
fn replace_all(parts: &[Part]) -> anyhow::Result<()> {
    let mut written: Vec<(NamedTempFile, &Path)> = Vec::new();
    for (path, text) in parts {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        written.push((file, path));
    }
    for (file, path) in written {
        file.persist(path)?;
    }
    Ok(())
}

/// Writes the entry into a kubeconfig of its own, or adds it to the one that is there.
fn kubeconfig(out: &Path, session: &Session) -> anyhow::Result<String> {
    let server = session.places.kube.as_ref().ok_or_else(|| {
        Failure::new(format!("the gate at {} guards no Kubernetes cluster", session.places.web))
    })?;
    let credentials = &session.credentials;
    let entry = Entry {
        name: session.cluster.clone(),
        server: format!("https://{server}"),
        ca_pem: session.host_cas.clone(),
        insecure_skip_tls_verify: false,
        tls_server_name: session.places.tls_routing.then(|| server.kube_server_name()),
        auth: UserAuth::Embedded {
            cert_pem: credentials.cert_pem.clone(),
            key_pem: credentials.key_pem.clone(),
        },
        namespace: None,
        context_name: None,
        labels: Default::default(),
        owner: Owner { profile: session.name.clone() },
    };
    let absolute = std::path::absolute(out)?;
    let files = kubeconfig::Files::new(Some(absolute.as_os_str()), Path::new("/"));
    kubeconfig::login(&files, &[entry], Some(&session.cluster))?;
    Ok(format!(
        "The context {} with key and certificate has been written to {}. Try: kubectl --kubeconfig={} version",
        session.cluster,
        out.display(),
        out.display()
    ))
}
