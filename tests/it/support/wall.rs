//! The wall clock of one process, set while it runs, and nobody else's.
//!
//! Landfall reads its clocks through the kernel's vDSO, past libc, so that a library put before libc changes nothing;
//! and no namespace has a wall clock of its own. But a process has its own copy of the vDSO from the moment it is
//! written to, as a debugger does to set a breakpoint: the one function that reads clocks is led to another, which adds
//! a number of seconds to the wall clock and leaves the others alone.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;

/// `clock_gettime` by the system call, with the seconds that stand behind it added to clock 0, `CLOCK_REALTIME`.
const READS: [u8; 24] = [
    0xb8, 0xe4, 0, 0, 0, // mov eax, 228
    0x0f, 0x05, // syscall
    0x85, 0xff, // test edi, edi
    0x75, 0x0a, // jne to the ret
    0x48, 0x8b, 0x0d, 0x06, 0, 0, 0, // mov rcx, [rip + 6]
    0x48, 0x01, 0x0e, // add [rsi], rcx
    0xc3, // ret
    0x90, 0x90, // to the next multiple of eight
];

/// The wall clock that one process sees.
pub(crate) struct WallClock {
    memory: File,
    /// Where the seconds stand.
    seconds: u64,
}

impl WallClock {
    /// Nothing is changed yet.
    pub(crate) fn of(pid: u32) -> Self {
        let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
        let line = maps.lines().find(|line| line.ends_with("[vdso]"));
        let range = line.and_then(|line| line.split_whitespace().next()).unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let place = |hex| u64::from_str_radix(hex, 16).unwrap();
        let (start, end) = (place(start), place(end));
        let memory = OpenOptions::new()
            .read(true)
            .write(true)
            .open(format!("/proc/{pid}/mem"))
            .unwrap();
        let mut image = vec![0; usize::try_from(end - start).unwrap()];
        memory.read_exact_at(&mut image, start).unwrap();
        let reader = symbol(&image, "__vdso_clock_gettime");
        // Behind the last byte of the image its page is empty.
        let used = image.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        let free = used.next_multiple_of(16) + 16;
        assert!(free + READS.len() + 8 <= image.len(), "the vDSO has no room left");
        let free = free as u64;
        memory.write_all_at(&READS, start + free).unwrap();
        let clock = Self {
            memory,
            seconds: start + free + READS.len() as u64,
        };
        clock.set_by(0);
        // One write of eight bytes, so that no thread sees a half of it: jmp, and what stood behind it.
        let mut entry: [u8; 8] = image[reader..reader + 8].try_into().unwrap();
        let leap = i32::try_from(free as i64 - (reader as i64 + 5)).unwrap();
        entry[0] = 0xe9;
        entry[1..5].copy_from_slice(&leap.to_le_bytes());
        clock.memory.write_all_at(&entry, start + reader as u64).unwrap();
        clock
    }

    /// From now on it shows so many seconds more than the machine's.
    pub(crate) fn set_by(&self, seconds: i64) {
        self.memory
            .write_all_at(&seconds.to_le_bytes(), self.seconds)
            .unwrap();
    }
}

/// Where a function of an ELF image of 64 bits begins.
fn symbol(image: &[u8], name: &str) -> usize {
    let number = |at: usize, bytes: usize| {
        let mut number = [0; 8];
        number[..bytes].copy_from_slice(&image[at..at + bytes]);
        usize::try_from(u64::from_le_bytes(number)).unwrap()
    };
    let (sections, size, count) = (number(0x28, 8), number(0x3a, 2), number(0x3c, 2));
    let section = |n: usize| sections + n * size;
    // SHT_DYNSYM; its link is the section of the names.
    let table = (0..count)
        .map(section)
        .find(|at| number(at + 4, 4) == 11)
        .unwrap();
    let names = number(section(number(table + 0x28, 4)) + 0x18, 8);
    let (from, bytes) = (number(table + 0x18, 8), number(table + 0x20, 8));
    let named = |symbol: &usize| {
        let rest = &image[names + number(*symbol, 4)..];
        rest.starts_with(name.as_bytes()) && rest[name.len()] == 0
    };
    let found = (from..from + bytes).step_by(24).find(named).unwrap();
    number(found + 8, 8)
}
