//! The scripts with which an operator backs up and restores the running stack's database, and removes parts of the trail.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::folder::{Folder, root};
use crate::running::Running;
use crate::wait::eventually;

/// Variables of the caller's shell that are for another database.
const ELSEWHERE: [(&str, &str); 5] = [
    ("PGPASSWORD", "another"),
    ("PGSERVICE", "another"),
    ("PGHOSTADDR", "192.0.2.1"),
    ("PGOPTIONS", "-c search_path=another"),
    ("PGDATESTYLE", "German"),
];

/// Runs a script of `scripts/` on the server of `folder`: what it printed, as an error if it failed.
fn run(folder: &Folder, script: &str, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(root().join("scripts").join(format!("{script}.sh")));
    output(command.args(arguments).env("DATABASE_URL", folder.admin_url("itemsdb")))
}

fn output(command: &mut Command) -> Result<String, String> {
    let output = command.envs(ELSEWHERE).output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    if output.status.success() { Ok(text) } else { Err(text) }
}

fn until_audited(folder: &Folder, events: usize) {
    eventually(&format!("{events} events are in the trail and none waits"), || {
        let counts = folder
            .psql("itemsdb", "SELECT (SELECT count(*) FROM audit_logs) || ' ' || (SELECT count(*) FROM audit_outbox)");
        if counts == format!("{events} 0") { Ok(()) } else { Err(counts) }
    });
}

/// All rows that an operator wants to have back, as text.
fn content(folder: &Folder) -> String {
    folder.psql(
        "itemsdb",
        "SELECT string_agg(line, E'\n' ORDER BY line) FROM (
            SELECT 'item ' || i::text AS line FROM items i
            UNION ALL SELECT 'event ' || a::text FROM audit_logs a
            UNION ALL SELECT 'total ' || t::text FROM audit_totals t
            UNION ALL SELECT 'key ' || k::text FROM idempotency k) AS everything",
    )
}

#[test]
fn a_backup_restores_data_trail_totals_and_sequences_in_the_same_and_in_another_stack() {
    let (first, second) = (Folder::new(), Folder::new());
    let running = Running::start(&first);
    for name in ["a", "b", "c"] {
        running.create(name);
    }
    running.http("DELETE", "/items/3", "", 204);
    until_audited(&first, 4);
    let kept = content(&first);
    let file = first.path().join("items.dump");
    let output = run(&first, "backup", &[file.to_str().unwrap()]).unwrap();
    assert!(output.contains("bytes in"), "{output}");

    running.create("later");
    until_audited(&first, 5);
    let other = Running::start(&second);
    other.create("of its own");
    for (folder, running) in [(&first, &running), (&second, &other)] {
        let output = run(folder, "restore", &[file.to_str().unwrap()]).unwrap();
        assert!(output.contains("restored"), "{output}");
        assert_eq!(content(folder), kept);
        running.create("afterwards");
        assert_eq!(folder.psql("itemsdb", "SELECT max(id) FROM items"), "1000005", "no id that was used is used again");
        until_audited(folder, 5);
        let rights = "SELECT has_table_privilege('items', 'items', 'SELECT')::text
            || has_function_privilege('items', 'items_ready()', 'EXECUTE')";
        assert_eq!(folder.psql("itemsdb", rights), "falsetrue", "roles have their rights and no others");
    }
}

#[test]
fn a_restore_uses_no_id_and_no_entity_tag_again_however_often_it_is_repeated() {
    let folder = Folder::new();
    let running = Running::start(&folder);
    running.create("a");
    until_audited(&folder, 1);
    let file = folder.path().join("items.dump");
    run(&folder, "backup", &[file.to_str().unwrap()]).unwrap();
    let sequences = "SELECT string_agg(last_value::text, ' ' ORDER BY sequencename) FROM pg_sequences WHERE sequencename LIKE '%\\_seq'";
    let (mut tags, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for round in 0..3 {
        let response = running.http("GET", "/items/1", "", 200);
        let tag = response.lines().find(|line| line.starts_with("etag: ")).unwrap().to_owned();
        assert!(tags.insert(tag), "{tags:?}");
        running.create("lost");
        assert!(ids.insert(folder.psql("itemsdb", "SELECT max(id) FROM items")), "{ids:?}");
        let before = folder.psql("itemsdb", sequences);
        run(&folder, "restore", &[file.to_str().unwrap()]).unwrap();
        let after = folder.psql("itemsdb", sequences);
        let pairs = before.split(' ').zip(after.split(' '));
        let mut jumps = pairs.map(|(before, after)| after.parse::<i64>().unwrap() - before.parse::<i64>().unwrap());
        // The relay may have stored an event in between.
        let far = jumps.all(|jump| (1_000_000..1_000_010).contains(&jump));
        assert!(far, "round {round}: {before}, then {after}");
    }
    assert_eq!(ids.len(), 3);
}

#[test]
fn a_restored_trail_is_signed_again_once_the_restore_is_stated_and_what_is_lost_stays_visible() {
    let folder = Folder::new();
    let running = Running::start(&folder);
    running.create("a");
    until_audited(&folder, 1);
    let file = folder.path().join("items.dump");
    run(&folder, "backup", &[file.to_str().unwrap()]).unwrap();
    running.create("lost");
    until_audited(&folder, 2);
    let trail = folder.path().join("data/trail");
    let forked = |expected: &str| {
        eventually(&format!("forked is {expected}"), || {
            let scrape = running.scrape()?;
            if scrape.contains(&format!("\naudit_trail_forked {expected}\n")) { Ok(()) } else { Err(scrape) }
        });
    };
    let head = || fs::read_to_string(trail.join("head")).unwrap_or_default();
    let size = folder.psql("itemsdb", "SELECT size FROM audit_tree");
    eventually("both events are signed", || if head().contains(&format!("\n{size}\n")) { Ok(()) } else { Err(head()) });
    forked("0");
    let kept = folder.path().join("kept");
    fs::write(&kept, head()).unwrap();

    let restored = run(&folder, "restore", &[file.to_str().unwrap()]).unwrap();
    assert!(restored.contains("make audit-restored HEAD=.data/trail/head"), "{restored}");
    forked("1");
    run(&folder, "retention", &["restored", kept.to_str().unwrap()]).unwrap();
    forked("0");
    let mut verify = Command::new(root().join("scripts/with-database.sh"));
    verify.arg(Path::new(env!("CARGO_BIN_EXE_stack")).with_file_name("sidecar")).arg("verify");
    verify.arg(trail.join("key.pub")).arg(&kept).env("DATABASE_URL", folder.admin_url("itemsdb"));
    let verified = output(&mut verify).unwrap();
    assert!(verified.contains(&format!("is lost, up to a head of {size} batches\nverified to batch ")), "{verified}");
    assert!(run(&folder, "retention", &["restored", "/dev/null"]).unwrap_err().contains("not a checkpoint"));
}

#[test]
fn a_backup_that_cannot_be_written_or_read_changes_nothing() {
    let folder = Folder::new();
    let running = Running::start(&folder);
    running.create("a");
    until_audited(&folder, 1);
    let kept = content(&folder);
    let broken = folder.path().join("broken.dump");
    run(&folder, "backup", &[broken.to_str().unwrap()]).unwrap();
    let dump = std::fs::read(&broken).unwrap();
    std::fs::write(&broken, &dump[..dump.len() / 2]).unwrap();
    for (script, argument) in
        [("restore", broken.to_str().unwrap()), ("restore", "/nowhere.dump"), ("backup", "/proc/items.dump")]
    {
        assert_ne!(run(&folder, script, &[argument]).unwrap_err(), "", "{script} {argument}");
    }
    assert_eq!(content(&folder), kept);
}

#[test]
fn an_operator_prunes_the_trail_and_erases_an_item() {
    let folder = Folder::new();
    let running = Running::start(&folder);
    running.create("Jane");
    running.http("DELETE", "/items/1", "", 204);
    until_audited(&folder, 2);
    let output = run(&folder, "retention", &["erase", "1"]).unwrap();
    assert!(output.contains("of item 1 erased"), "{output}");
    assert!(!content(&folder).contains("Jane"));
    let now = "to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";
    let now = folder.psql("itemsdb", &format!("SELECT {now}"));
    let output = run(&folder, "retention", &["prune", &now]).unwrap();
    assert!(output.contains(&format!("3 events from before {now} pruned")), "{output}");
    let left = folder.psql("itemsdb", "SELECT action || ' by ' || actor FROM audit_logs");
    assert_eq!(left, "prune by postgres");
    for arguments in [
        &["prune"][..],
        &["prune", "now"],
        &["prune", "2999-01-01"],
        &["prune", "01/02/2026"],
        &["prune", "2026-01-31 12:00 CST"],
        &["prune", "no date"],
        &["erase", "'; DROP TABLE items; --"],
        &[],
    ] {
        let output = run(&folder, "retention", arguments).unwrap_err();
        assert!(output.to_lowercase().contains("error"), "{arguments:?}: {output}");
    }
}

#[test]
fn what_is_pruned_depends_on_no_setting_of_the_database() {
    let folder = Folder::new();
    let _running = Running::start(&folder);
    // Output of this style and zone has the abbreviation CST, which input takes for US Central: 14 hours later.
    for setting in ["datestyle = 'SQL, MDY'", "timezone = 'Asia/Shanghai'", "search_path = pg_catalog"] {
        assert_eq!(folder.psql("itemsdb", &format!("ALTER DATABASE itemsdb SET {setting}")), "ALTER DATABASE");
    }
    folder.psql(
        "itemsdb",
        "DO $$ BEGIN FOR hours IN REVERSE 20..1 LOOP
            INSERT INTO public.audit_logs (event_id, action, outcome, request_id, created_at, stored_at)
            VALUES (gen_random_uuid(), 'list', 'ok', 'r', now() - hours * interval '1 hour', now());
         END LOOP; END $$",
    );
    let first = "SELECT to_char((now() - interval '18 hours 30 minutes') AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI')";
    let first = folder.psql("itemsdb", first);
    let offset = format!(
        "SELECT to_char('{first}Z'::timestamptz AT TIME ZONE 'Asia/Kolkata', 'YYYY-MM-DD HH24:MI') || '+05:30'"
    );
    let output = run(&folder, "retention", &["prune", &folder.psql("itemsdb", &offset)]).unwrap();
    assert!(output.starts_with("2 events to prune: the first of 20"), "{output}");
    assert!(output.contains(&format!("2 events from before {first}:00.000000Z pruned")), "{output}");
    // Without an offset it is UTC.
    assert!(run(&folder, "retention", &["prune", &first]).unwrap().contains("\n0 events from before"));
    assert_eq!(folder.psql("itemsdb", "SELECT count(*) FROM public.audit_logs WHERE action = 'list'"), "18");
}

/// Starts `make` on the stack of `folder`, as if it were the working copy.
fn make(folder: &Folder) -> Command {
    let mut make = Command::new("make");
    make.arg("-sf").arg(root().join("Makefile")).arg("-C").arg(folder.path()).env_remove("DATABASE_URL");
    make
}

/// GNU make expands `$` in the values of its command line (manual, 6.8 and 9.5).
const TEXT: &str = "$5 $$ $(shell echo made) ${HOME} \\ \"double\" 'single' # $x$";

#[test]
fn make_psql_runs_exactly_what_it_is_given_on_the_stacks_own_database() {
    let folder = Folder::new();
    let _running = Running::start(&folder);
    symlink(root().join("scripts"), folder.path().join("scripts")).unwrap();
    symlink("data", folder.path().join(".data")).unwrap();
    let sql = format!("SELECT $quote${TEXT}$quote$ AS text,\n    current_setting('search_path')");
    let printed = output(make(&folder).arg("psql").arg(format!("SQL={sql}"))).unwrap();
    assert!(printed.contains(TEXT) && printed.contains("public"), "{printed}");
    let printed = output(make(&folder).arg("psql").env("SQL", &sql)).unwrap();
    assert!(printed.contains(TEXT), "{printed}");
}

#[test]
fn every_variable_of_every_target_reaches_the_program_byte_for_byte() {
    let folder = Folder::new();
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let described =
        makefile.lines().filter_map(|line| line.split_once(": ").and_then(|(_, rest)| rest.split_once("## ")));
    let words = described.flat_map(|(_, text)| text.split([' ', '(', ')']));
    let mut names: BTreeSet<&str> = words.filter_map(|word| Some(word.split_once('=')?.0)).collect();
    names.insert("CARGO_TARGET_DIR");
    assert!(names.len() > 15 && names.contains("SQL"), "{names:?}");
    let show = folder.path().join("show.mk");
    fs::write(&show, "show-%:\n\t@printf '%s|' \"$$$*\"\n").unwrap();
    for name in names {
        for given in [format!("$({name})"), format!("${{{name}}}")] {
            assert!(!makefile.contains(&given), "{given}: the shell would read the value as code");
        }
        let value = format!("{TEXT}\nsecond line ");
        let target = format!("show-{name}");
        let printed = output(make(&folder).arg("-f").arg(&show).arg(&target).arg(format!("{name}={value}"))).unwrap();
        assert_eq!(printed, format!("{value}|"), "{name} on the command line");
        let printed = output(make(&folder).arg("-f").arg(&show).arg(&target).env(name, &value)).unwrap();
        assert_eq!(printed, format!("{value}|"), "{name} in the environment");
    }
}
