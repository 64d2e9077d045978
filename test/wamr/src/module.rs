//! A module in WAMR's fast interpreter, by the ABI of docs/abi.md: WAMR shrinks its memory to the used part,
//! and the only import is that of weights.
//!
//! In: the bytes of a .wasm and of its separate weights.  Out: frames in, outputs out, and the memory that
//! WAMR holds for it.
use crate::weights::Weights;
use std::ffi::{c_char, c_void, CStr, CString};
use wamrx_sys::*;

const STACK: u32 = 4096;

/// Values of rn_info(11); tile is 2.
const EMBED: u32 = u32::MAX;
const LINEAR: u32 = 1;

/// Gives WAMR one pool to allocate from, as on a device. Linear memories are mapped outside of it.
pub fn start(pool_bytes: usize) {
    let pool = Box::leak(vec![0u64; pool_bytes / 8].into_boxed_slice());
    let mut args = RuntimeInitArgs { mem_alloc_type: Alloc_With_Pool, ..Default::default() };
    args.mem_alloc_option.pool.heap_buf = pool.as_mut_ptr() as *mut c_void;
    args.mem_alloc_option.pool.heap_size = pool_bytes as u32;
    assert!(unsafe { wasm_runtime_full_init(&mut args) }, "WAMR does not start");
}

/// Returns the bytes of the pool that are in use, and its peak.
pub fn pool() -> (u32, u32) {
    let mut info = mem_alloc_info_t::default();
    assert!(unsafe { wasm_runtime_get_mem_alloc_info(&mut info) });
    (info.total_size - info.total_free_size, info.highmark_size)
}

pub struct Module {
    instance: wasm_module_inst_t,
    env: wasm_exec_env_t,
    push: wasm_function_inst_t,
    info: wasm_function_inst_t,
    /// Address and bytes of each input's frames of one hop. `outputs` has those of each output.
    pub inputs: Vec<(u32, usize)>,
    pub outputs: Vec<(u32, usize)>,
    pub hop: u32,
    /// The loader keeps pointers into the file, and writes into it.
    _file: Box<[u8]>,
    /// The instance points to the weights.
    weights: Option<Box<Weights>>,
}

type Checked<T> = Result<T, String>;

impl Module {
    pub fn open(file: Vec<u8>, weights: Option<Weights>) -> Checked<Module> {
        let mut file = file.into_boxed_slice();
        let mut why = [0 as c_char; 128];
        let told = |why: &[c_char]| unsafe { CStr::from_ptr(why.as_ptr()) }.to_string_lossy().into_owned();
        unsafe {
            let module = wasm_runtime_load(file.as_mut_ptr(), file.len() as u32, why.as_mut_ptr(), 128);
            if module.is_null() {
                return Err(told(&why));
            }
            let instance = wasm_runtime_instantiate(module, STACK, 0, why.as_mut_ptr(), 128);
            if instance.is_null() {
                return Err(told(&why));
            }
            let env = wasm_runtime_create_exec_env(instance, STACK);
            let none = std::ptr::null_mut();
            let weights = weights.map(Box::new);
            let mut it =
                Module { instance, env, push: none, info: none, inputs: vec![], outputs: vec![], hop: 0, _file: file, weights };
            it.push = it.find("rn_push")?;
            it.info = it.find("rn_info")?;
            it.take_weights()?;
            let reset = it.find("rn_reset")?;
            it.call(reset, &[])?;
            it.hop = it.info(0)?;
            it.inputs = it.ports(9, 16, "rn_input", it.hop as usize)?;
            it.outputs = it.ports(10, 64, "rn_output", 1)?;
            Ok(it)
        }
    }

    /// Gives the instance its weights, before rn_reset.
    fn take_weights(&self) -> Checked<()> {
        let (home, wanted) = (self.info(11)?, self.info(7)?);
        let Some(weights) = &self.weights else {
            return if home == EMBED {
                Ok(())
            } else {
                Err(format!("{wanted} bytes of weights are wanted, and there is no file"))
            };
        };
        if home == EMBED || weights.bytes() != wanted as usize {
            let wanted = if home == EMBED { 0 } else { wanted };
            return Err(format!("{wanted} bytes of weights are wanted, and the file has {}", weights.bytes()));
        }
        match home {
            LINEAR => weights.copy(self.instance, self.info(6)?, 0, wanted),
            _ => {
                let place = weights.as_ref() as *const Weights as *mut c_void;
                unsafe { wasm_runtime_set_custom_data(self.instance, place) };
                Ok(())
            }
        }
    }

    fn find(&self, name: &str) -> Checked<wasm_function_inst_t> {
        let text = CString::new(name).unwrap();
        let found = unsafe { wasm_runtime_lookup_function(self.instance, text.as_ptr()) };
        if found.is_null() {
            Err(format!("no {name}"))
        } else {
            Ok(found)
        }
    }

    fn call(&self, function: wasm_function_inst_t, arguments: &[u32]) -> Checked<i32> {
        let mut cells = [0u32; 2];
        cells[..arguments.len()].copy_from_slice(arguments);
        if unsafe { wasm_runtime_call_wasm(self.env, function, arguments.len() as u32, cells.as_mut_ptr()) } {
            return Ok(cells[0] as i32);
        }
        Err(unsafe { CStr::from_ptr(wasm_runtime_get_exception(self.instance)) }.to_string_lossy().into_owned())
    }

    fn info(&self, what: u32) -> Checked<u32> {
        Ok(self.call(self.info, &[what])? as u32)
    }

    /// Returns address and bytes of the inputs (constants from 16) or outputs (from 64), for `frames` frames.
    fn ports(&self, count: u32, first: u32, name: &str, frames: usize) -> Checked<Vec<(u32, usize)>> {
        let address = self.find(name)?;
        (0..self.info(count)?)
            .map(|i| {
                let at = first + 8 * i;
                let width = if self.info(at)? == 2 { 2 } else { 1 };
                let rate = if first == 16 { (self.info(at + 4)? as i32).max(1) as usize } else { 1 };
                Ok((self.call(address, &[i])? as u32, frames * rate * self.info(at + 1)? as usize * width))
            })
            .collect()
    }

    /// Returns the address of a port's bytes in this process.
    fn native(&self, (address, length): (u32, usize)) -> Checked<*mut u8> {
        unsafe {
            if !wasm_runtime_validate_app_addr(self.instance, address as u64, length as u64) {
                return Err(format!("{length} bytes at {address} are not in the memory"));
            }
            Ok(wasm_runtime_addr_app_to_native(self.instance, address as u64) as *mut u8)
        }
    }

    pub fn hop_bytes(&self) -> usize {
        self.inputs.iter().map(|(_, bytes)| bytes).sum()
    }

    /// Pushes one hop, all inputs in order. Returns true if an output is due.
    pub fn push(&self, frames: &[u8]) -> Checked<bool> {
        let mut from = 0;
        for &port in &self.inputs {
            let part = &frames[from..from + port.1];
            unsafe { self.native(port)?.copy_from_nonoverlapping(part.as_ptr(), port.1) };
            from += port.1;
        }
        match self.call(self.push, &[self.hop])? {
            0 => Ok(false),
            1 => Ok(true),
            code => Err(format!("rn_push gave {code}")),
        }
    }

    pub fn take(&self, to: &mut Vec<u8>) -> Checked<()> {
        for &port in &self.outputs {
            to.extend_from_slice(unsafe { std::slice::from_raw_parts(self.native(port)?, port.1) });
        }
        Ok(())
    }

    /// Returns the bytes of linear memory.
    pub fn linear(&self) -> u64 {
        unsafe {
            let memory = wasm_runtime_get_default_memory(self.instance);
            wasm_memory_get_cur_page_count(memory) * wasm_memory_get_bytes_per_page(memory)
        }
    }
}
