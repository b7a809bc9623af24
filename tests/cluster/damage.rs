//! A file that is damaged while nobody uses it (X18): the start is refused with one line that names it, nothing is
//! touched, and when the file is as it was, all is there.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    path::Path,
};

use crate::{
    app::{App, SECRET, program},
    clients::program::run,
    database::Database,
    traffic::publish_all,
};

const COUNT: u64 = 400;
const PAGE: u64 = 4096;

/// Overwrites a part of a file.
fn overwrite(path: &Path, at: u64, length: usize) {
    File::options().write(true).open(path).unwrap().write_all_at(&vec![0xA5; length], at).unwrap();
}

fn length(path: &Path) -> u64 {
    path.metadata().unwrap().len()
}

/// What is in the files of the database, but for the index of the log, which is made anew.
fn content(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let names = ["tidings.db", "tidings.db-wal"].map(str::to_owned);
    names.into_iter().map(|name| (name.clone(), fs::read(folder.join(&name)).unwrap_or_default())).collect()
}

/// Fails unless a start on this file ends with one line that names it and holds these words, and changes nothing.
fn refuses(what: &str, database: &Path, words: &str) {
    let before = content(database.parent().unwrap());
    let mut command = program();
    let url = format!("store.url=sqlite://{}", database.display());
    command.args(["serve", "--set", "http.listen=127.0.0.1:0", "--set", &url]);
    let ended = run(command.env("TIDINGS_AUTH_SECRET", SECRET));
    let own: Vec<&str> = ended.stderr.lines().filter(|line| line.starts_with("tidings: ")).collect();
    println!("X18 {what}: exit {:?}, {own:?}", ended.code.unwrap());
    assert!(ended.code == Some(1) && own.len() == 1, "{ended:?}");
    assert!(own[0].contains("tidings.db") && own[0].contains(words), "{words:?} is not in {own:?}");
    assert!(content(database.parent().unwrap()) == before, "{what}: it is left for those who can mend it");
}

#[actix_web::test]
async fn x18_a_file_that_is_damaged_is_not_started_with() {
    let mut app = App::start();
    publish_all(&app, &["alice"], COUNT, 500, 4).await;
    app.signal("-TERM");
    assert!(app.ended().await.success());
    let good = fs::read(app.database()).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("tidings.db");
    let whole = good.len() as u64;
    let damages: [(&str, &str, &dyn Fn()); 6] = [
        ("4 KiB in the middle", "corrupt", &|| overwrite(&database, whole / 2 / PAGE * PAGE, 4096)),
        ("4 KiB across two pages", "", &|| overwrite(&database, whole / 2 / PAGE * PAGE + 2000, 4096)),
        ("its header", "not a database", &|| overwrite(&database, 0, 100)),
        ("cut off in the middle", "", &|| {
            File::options().write(true).open(&database).unwrap().set_len(whole / 2).unwrap()
        }),
        ("cut off in a page", "", &|| {
            File::options().write(true).open(&database).unwrap().set_len(whole - 2000).unwrap()
        }),
        ("no database", "not a database", &|| {
            fs::write(&database, "certainly not a database".repeat(999)).unwrap()
        }),
    ];
    for (what, words, damage) in damages {
        fs::write(&database, &good).unwrap();
        damage();
        refuses(what, &database, words);
    }
    fs::write(app.database(), &good).unwrap();
    app.restart();
    assert_eq!(Database::open(&app.database()).inbox("alice").len() as u64, COUNT);
}

#[actix_web::test]
async fn x18_a_log_that_is_damaged_or_without_its_file_is_not_thrown_away() {
    let mut app = App::start();
    publish_all(&app, &["alice"], COUNT, 100, 4).await;
    app.kill();
    let [good, log] =
        [app.database(), app.database().with_extension("db-wal")].map(|path| fs::read(path).unwrap());
    assert!(log.len() as u64 > 100 * PAGE, "{} bytes", log.len());

    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("tidings.db");
    let path = folder.path().join("tidings.db-wal");
    let put = || {
        fs::write(&database, &good).unwrap();
        fs::write(&path, &log).unwrap();
    };
    put();
    overwrite(&path, 0, 4096);
    refuses("the start of its log", &database, "tidings.db-wal is corrupt");
    put();
    overwrite(&path, 20, 1);
    refuses("one byte of its log's header", &database, "tidings.db-wal is corrupt");
    put();
    fs::remove_file(&database).unwrap();
    refuses("a log without its file", &database, "tidings.db-wal is not");
    assert_eq!(length(&path), log.len() as u64);

    // One that was never synced is nothing that anybody was told of.
    put();
    overwrite(&path, log.len() as u64 - 3000, 3000);
    app.restart();
    assert_eq!(Database::open(&app.database()).inbox("alice").len() as u64, COUNT);
}
