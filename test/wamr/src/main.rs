//! Runs modules in WAMR's fast interpreter.
//!
//!     runlet-wamr run MODULE FRAMES OUT          pushes FRAMES, writes the outputs, prints the held memory
//!     runlet-wamr time ROUNDS FRAMES MODULE...   times a hop of each module, alternately, in nanoseconds
//!
//! Prints JSON; for `time`, one list per module. FRAMES are hops of bytes as in the ABI, input 0 first in
//! each. Separate weights of NAME.wasm are in NAME.weights.bin.
mod module;
mod weights;

use module::{pool, start, Module};
use std::path::Path;
use std::time::Instant;
use weights::Weights;

const POOL: usize = 8 << 20;
/// Approximate duration of a sample, long compared with the clock's resolution.
const SAMPLE_NS: u128 = 2_000_000;

fn read(path: &str) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|why| format!("{path}: {why}"))
}

fn open(path: &str) -> Result<Module, String> {
    let beside = Path::new(path).with_extension("weights.bin");
    let weights = match std::fs::read(&beside) {
        Ok(file) => Some(Weights::new(&file)?),
        Err(_) => None,
    };
    if weights.is_some() {
        weights::register();
    }
    Module::open(read(path)?, weights)
}

fn run(module: &str, frames: &str, out: &str) -> Result<(), String> {
    let module = open(module)?;
    let (used, most) = pool();
    let frames = read(frames)?;
    let mut outputs = Vec::new();
    let (mut hops, mut due) = (0, 0);
    for hop in frames.chunks_exact(module.hop_bytes()) {
        hops += 1;
        if module.push(hop)? {
            due += 1;
            module.take(&mut outputs)?;
        }
    }
    std::fs::write(out, outputs).map_err(|why| format!("{out}: {why}"))?;
    println!(
        "{{\"hops\":{hops},\"outputs\":{due},\"linearBytes\":{},\"poolBytes\":{used},\"poolMostBytes\":{most}}}",
        module.linear()
    );
    Ok(())
}

/// Returns nanoseconds per hop, over `hops` hops.
fn sample(module: &Module, frames: &[u8], hops: usize) -> Result<f64, String> {
    let bytes = module.hop_bytes();
    let count = frames.len() / bytes;
    let before = Instant::now();
    for i in 0..hops {
        let at = i % count * bytes;
        module.push(&frames[at..at + bytes])?;
    }
    Ok(before.elapsed().as_nanos() as f64 / hops as f64)
}

fn time(rounds: usize, frames: &str, paths: &[String]) -> Result<(), String> {
    let frames = read(frames)?;
    let mut subjects = Vec::new();
    for path in paths {
        let module = open(path)?;
        if frames.len() < module.hop_bytes() {
            return Err(format!("{path}: the frames are no whole hop"));
        }
        let mut hops = 1;
        while (sample(&module, &frames, hops)? * hops as f64) < SAMPLE_NS as f64 {
            hops *= 2;
        }
        subjects.push((module, hops, Vec::new()));
    }
    for _ in 0..rounds {
        for (module, hops, samples) in &mut subjects {
            samples.push(sample(module, &frames, *hops)?);
        }
    }
    let lists: Vec<String> = subjects.iter().map(|(_, _, samples)| format!("{samples:?}")).collect();
    println!("[{}]", lists.join(","));
    Ok(())
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    start(POOL);
    let done = match words[..] {
        ["run", module, frames, out] => run(module, frames, out),
        ["time", rounds, frames, ..] if words.len() > 3 => time(rounds.parse().unwrap_or(1), frames, &args[3..]),
        _ => Err("run MODULE FRAMES OUT, or time ROUNDS FRAMES MODULE...".to_string()),
    };
    if let Err(why) = done {
        eprintln!("{why}");
        std::process::exit(1);
    }
}
