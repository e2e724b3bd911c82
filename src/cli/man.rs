//! `man`: manual pages, made from the definitions of the command line.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_mangen::Man as Page;
use serde_json::json;

use super::{Failure, Output};

#[derive(Debug, Args)]
pub(super) struct Man {
    /// Folder for the pages; it is created if it does not exist
    folder: PathBuf,
}

impl Man {
    pub(super) fn run(self, output: &Output, command: Command) -> Result<(), Failure> {
        let folder = self.folder.display();
        let pages = write_pages(command, &self.folder)
            .map_err(|error| Failure::refused(format!("cannot write manual pages to {folder}: {error}")))?;
        let text = format!("wrote {} manual pages to {folder}", pages.len());
        output.print(&json!({ "folder": self.folder, "pages": pages }), &text);
        Ok(())
    }
}

/// Writes a page for the program and one for each command; gives their file names.
fn write_pages(command: Command, folder: &Path) -> io::Result<Vec<String>> {
    fs::create_dir_all(folder)?;
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let mut names = Vec::new();
    write_page(&command, folder, &mut names)?;
    Ok(names)
}

fn write_page(command: &Command, folder: &Path, names: &mut Vec<String>) -> io::Result<()> {
    let source = concat!("jwt-generator ", env!("CARGO_PKG_VERSION"));
    let page = Page::new(command.clone()).manual("JWT Generator").source(source);
    page.generate_to(folder)?;
    names.push(page.get_filename());
    command.get_subcommands().try_for_each(|command| write_page(command, folder, names))
}
