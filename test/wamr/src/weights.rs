//! Weights in a separate file, as in docs/abi.md: copied once (home linear), or fetched by the import
//! runlet.weights (home tile).
//!
//! In: the bytes of MODULE.weights.bin.  Out: words in a module's linear memory. An access outside the file
//! or the memory is a trap with a message.
use std::ffi::{c_void, CString};
use std::sync::Once;
use wamrx_sys::*;

/// The file as words: only whole aligned words are requested.
pub struct Weights(Box<[u32]>);

impl Weights {
    pub fn new(file: &[u8]) -> Result<Weights, String> {
        if file.len() % 4 != 0 || file.is_empty() {
            return Err(format!("a weights file of {} bytes, which are no words", file.len()));
        }
        Ok(Weights(file.chunks_exact(4).map(|word| u32::from_ne_bytes(word.try_into().unwrap())).collect()))
    }

    pub fn bytes(&self) -> usize {
        self.0.len() * 4
    }

    /// Copies `n` bytes from byte `src` to address `dst` of an instance's memory.
    pub fn copy(&self, instance: wasm_module_inst_t, dst: u32, src: u32, n: u32) -> Result<(), String> {
        let fault = |what: String| Err(format!("weights: {n} bytes from {src} to address {dst}: {what}"));
        if (dst | src | n) % 4 != 0 {
            return fault("not whole words".into());
        }
        let Some(part) = self.0.get(src as usize / 4..).and_then(|rest| rest.get(..n as usize / 4)) else {
            return fault(format!("the file has {}", self.bytes()));
        };
        unsafe {
            // validate_app_addr would set an exception with another message
            let (mut first, mut end) = (0, 0);
            let inside = wasm_runtime_get_app_addr_range(instance, dst as u64, &mut first, &mut end);
            if !inside || end - u64::from(dst) < u64::from(n) {
                return fault("outside the memory".into());
            }
            let to = wasm_runtime_addr_app_to_native(instance, dst as u64) as *mut u32;
            to.copy_from_nonoverlapping(part.as_ptr(), part.len());
        }
        Ok(())
    }
}

/// The import. The custom data of an instance is its weights.
unsafe extern "C" fn fetch(env: wasm_exec_env_t, dst: u32, src: u32, n: u32) {
    let instance = wasm_runtime_get_module_inst(env);
    let weights = (wasm_runtime_get_custom_data(instance) as *const Weights).as_ref();
    if let Err(why) = weights.ok_or("weights: no file".to_string()).and_then(|it| it.copy(instance, dst, src, n)) {
        wasm_runtime_set_exception(instance, CString::new(why).unwrap().as_ptr());
    }
}

/// Offers runlet.weights to all modules that are loaded from now on.
pub fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // WAMR sorts the list in place and keeps a pointer to it
        let list = Box::leak(Box::new([NativeSymbol {
            symbol: c"weights".as_ptr(),
            func_ptr: fetch as *mut c_void,
            signature: c"(iii)".as_ptr(),
            attachment: std::ptr::null_mut(),
        }]));
        assert!(unsafe { wasm_runtime_register_natives(c"runlet".as_ptr(), list.as_mut_ptr(), 1) }, "WAMR takes no import");
    });
}
