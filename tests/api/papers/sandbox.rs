//! Where the papers are played: a folder, a network, processes and a `/var` of their own, so that ports and names are
//! those of the paper, and what is killed by its name is nobody else's.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::{
        fs::{PermissionsExt, symlink},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
};

use tempfile::TempDir;

use crate::{
    app::DEADLINE,
    deployment::yaml,
    engines::{bound, is_root},
    tidy::reading::root,
};

/// What the network has is switched on, and `/proc` shows these processes alone.
const ENTER: &str = "mount -t proc proc /proc; mount -t tmpfs none /var; \
                     mkdir -p /var/backups /var/lib/tidings /var/log /var/tmp; ip link set lo up; echo ready; exec cat";

/// `make run`, but that nothing is built: the recipe is the Makefile's.
const MAKE: &str = "#!/bin/sh\n[ \"$*\" = run ] || exit 2\nexec target/release/tidings dev\n";

pub struct Sandbox {
    folder: TempDir,
    /// The first process in it: with it all others end.
    holder: Child,
    /// Where programs are looked for first: what the machine has of its own.
    own: Option<PathBuf>,
}

impl Sandbox {
    pub fn new() -> Self {
        Self::with(None)
    }

    /// One that has what `tests/machines` says of this name.
    pub fn of(machine: &str) -> Self {
        Self::with(Some(root().join("tests/machines").join(machine)))
    }

    fn with(own: Option<PathBuf>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path());
        let mut holder = bound("KILL", "unshare");
        if !is_root() {
            holder.args(["--user", "--map-root-user"]);
        }
        holder.args(["--mount", "--propagation", "private", "--net", "--ipc", "--pid"]);
        holder
            .args(["--fork", "--kill-child", "sh", "-euc", ENTER])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut holder = holder.spawn().expect("this test needs unshare");
        let mut ready = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        assert_eq!(ready, "ready\n", "this test needs namespaces: root, or users that may make them");
        Self { folder, holder, own }
    }

    /// A program in it.
    fn inside(&self, program: &str) -> Command {
        let holder = self.holder.id();
        let children = fs::read_to_string(format!("/proc/{holder}/task/{holder}/children")).unwrap();
        let mut command = bound("KILL", "nsenter");
        command.args(["--target", children.trim(), "--mount", "--net", "--ipc", "--pid"]);
        if !is_root() {
            command.args(["--user", "--preserve-credentials"]);
        }
        let home = self.folder.path();
        let own = self.own.iter().map(|own| format!("{}:", own.display())).collect::<String>();
        let path =
            format!("{own}{}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", home.join("bin").display());
        command.arg("--").arg(program).current_dir(home).env_clear();
        command.env("PATH", path).env("HOME", home).env("LC_ALL", "C.UTF-8");
        command.env("REPOSITORY", root());
        command
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// A folder of the repository as far as the papers call it by name, with the program where a build puts it.
fn fill(folder: &Path) {
    let program = env!("CARGO_BIN_EXE_tidings");
    for place in ["bin/tidings", "target/release/tidings"] {
        let place = folder.join(place);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        symlink(program, place).unwrap();
    }
    let make = folder.join("bin/make");
    fs::write(&make, MAKE).unwrap();
    fs::set_permissions(&make, PermissionsExt::from_mode(0o755)).unwrap();
    // What is put beside these files is nobody else's.
    let copied = Command::new("cp").arg("-r").arg(root().join("deploy")).arg(folder).status().unwrap();
    assert!(copied.success(), "deploy is copied");
    // What stands in the place of compose reads no YAML.
    for name in ["compose", "compose.scale", "compose.tls"] {
        let compose = yaml::one(&format!("{name}.yaml")).to_string();
        fs::write(folder.join(format!("deploy/{name}.json")), compose).unwrap();
    }
    symlink(root().join("docs"), folder.join("docs")).unwrap();
    // Where nobody looks at a terminal it would show how far it is; and what is printed is read line by line.
    fs::write(folder.join(".curlrc"), "silent\nshow-error\nwrite-out = \"\\n\"\n").unwrap();
}

/// What says that a command has ended, with its exit code behind it.
const END: &str = "--- ended with";

/// Nobody types the next line before the kernel has ended what was killed.
const KILL: &str = "kill() { builtin kill \"$@\"; test \"$1\" != -9 || \
                    while builtin kill -0 \"$2\"; do sleep 0.01; done 2>/dev/null; }";

/// What a server says when it can be asked.
const LISTENING: &str = "\"listening\"";

/// A shell, line by line; what it has started ends with it.
pub struct Terminal {
    child: Child,
    input: ChildStdin,
    printed: Receiver<String>,
    scripts: PathBuf,
    typed: usize,
}

impl Terminal {
    pub fn open(sandbox: &Sandbox) -> Self {
        let mut command = sandbox.inside("bash");
        command.args(["--noprofile", "--norc"]).process_group(0);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (send, printed) = channel();
        let stdout = child.stdout.take().unwrap();
        thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| send.send(line))
        });
        let mut input = child.stdin.take().unwrap();
        // Whoever enters the namespace stands at the root of it.
        writeln!(input, "exec 2>&1; cd; {KILL}").unwrap();
        let scripts = sandbox.folder.path().join(format!(".typed-{}", child.id()));
        fs::create_dir(&scripts).unwrap();
        Self { child, input, printed, scripts, typed: 0 }
    }

    /// All of it has to succeed.
    pub fn run(&mut self, text: &str, place: &str) {
        let printed = self.command(&format!("set -e\n{text}\nset +e"), place);
        let (code, printed) = (printed.0, printed.1.join("\n"));
        assert_eq!(code, "0", "{place} does not succeed: {printed}");
    }

    /// What one command prints, however it ends.
    pub fn ask(&mut self, command: &str, place: &str) -> Vec<String> {
        self.command(command, place).1
    }

    /// The last command serves: it has to begin to, and is ended then.
    pub fn serve(&mut self, text: &str, place: &str) {
        self.type_in(&format!("{text} &"));
        self.expect(LISTENING, place);
        self.run("kill $!\nwait $!", place);
    }

    /// Something that goes on; it has to begin to serve.
    pub fn start(&mut self, text: &str, place: &str) {
        self.type_in(text);
        self.expect(LISTENING, place);
    }

    /// Something that goes on; what was printed before is of no interest any more.
    pub fn start_quietly(&mut self, command: &str) {
        self.printed.try_iter().for_each(drop);
        self.type_in(command);
    }

    /// What is printed from here on, each line in time.
    pub fn lines(&self, place: &str) -> impl Iterator<Item = String> {
        let (place, mut before) = (place.to_owned(), Vec::new());
        std::iter::from_fn(move || {
            let line = self.printed.recv_timeout(DEADLINE);
            let line = line.unwrap_or_else(|_| panic!("{place}: nothing more is printed behind {before:#?}"));
            before.push(line.clone());
            Some(line)
        })
    }

    fn expect(&self, text: &str, place: &str) {
        let is_it = |line: &String| line.contains(text);
        assert!(self.lines(&format!("{place}, waiting for {text}")).any(|line| is_it(&line)));
    }

    /// The exit code, and what was printed.
    fn command(&mut self, text: &str, place: &str) -> (String, Vec<String>) {
        self.type_in(text);
        let mut printed = Vec::new();
        writeln!(self.input, "echo \"{END} $?\"").unwrap();
        for line in self.lines(place) {
            if let Some((before, code)) = line.split_once(END) {
                printed.extend((!before.is_empty()).then(|| before.to_owned()));
                return (code.trim().to_owned(), printed);
            }
            printed.push(line);
        }
        unreachable!("lines have no end");
    }

    /// From a file, so that nothing that runs reads the commands behind it; each from its own, since it may wait for the
    /// one before.
    fn type_in(&mut self, text: &str) {
        self.typed += 1;
        let script = self.scripts.join(self.typed.to_string());
        fs::write(&script, format!("{text}\n")).unwrap();
        writeln!(self.input, ". {} </dev/null", script.display()).unwrap();
    }
}

impl Drop for Terminal {
    /// Ctrl-C, and the window is closed.
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        for signal in ["-INT", "-KILL"] {
            let _ = Command::new("kill").args([signal, "--", &group]).status();
        }
        let _ = self.child.wait();
    }
}
