//! How much memory this process and its children hold, as the system tells.

use std::fs;

/// Resident bytes of this process, and the same with those of all child processes: workers, the launcher and what it
/// started. 0 where the system does not tell.
pub(super) fn memory() -> (u64, u64) {
    let own = resident_of("self");
    let mut total = own;
    let mut open = children_of("self");
    let mut looked_at = 0;
    while let Some(process) = open.pop() {
        total = total.saturating_add(resident_of(&process));
        open.extend(children_of(&process));
        looked_at += 1;
        // Processes come and go while they are looked at; no more than a machine commonly has.
        if looked_at > 4096 {
            break;
        }
    }
    (own, total)
}

fn resident_of(process: &str) -> u64 {
    let pages = fs::read_to_string(format!("/proc/{process}/statm")).unwrap_or_default();
    let pages = pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0);
    pages.saturating_mul(rustix::param::page_size() as u64)
}

fn children_of(process: &str) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let children = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    children.flat_map(|text| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_holds_memory_and_its_children_more() {
        let (alone, _) = memory();
        assert!(alone > 1 << 20, "{alone}");
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let (_, both) = memory();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(both > alone, "{both} and {alone}");
    }
}
