//! The few calls of libpam that checking a password needs, found when the program runs, so that
//! building needs no headers and hosts without PAM need no library.

use std::ffi::{CStr, CString, c_char, c_int, c_void};

use libloading::{Library, Symbol};
use nix::libc;

const SUCCESS: c_int = 0;
const BUFFER_ERROR: c_int = 5;
const CONVERSATION_ERROR: c_int = 19;
const PROMPT_ECHO_OFF: c_int = 1;
const PROMPT_ECHO_ON: c_int = 2;
/// An account without a password is not to be let in.
const DISALLOW_NULL_AUTHTOK: c_int = 1;
/// PAM's own bound on the messages of one call (PAM_MAX_NUM_MSG).
const MESSAGES_MAX: c_int = 32;

#[repr(C)]
struct Message {
    style: c_int,
    text: *const c_char,
}

#[repr(C)]
struct Response {
    text: *mut c_char,
    unused: c_int,
}

type Callback = extern "C" fn(c_int, *mut *const Message, *mut *mut Response, *mut c_void) -> c_int;

#[repr(C)]
struct Conversation {
    callback: Callback,
    data: *mut c_void,
}

type Start = unsafe extern "C" fn(
    *const c_char,
    *const c_char,
    *const Conversation,
    *mut *mut c_void,
) -> c_int;
type Step = unsafe extern "C" fn(*mut c_void, c_int) -> c_int;
type Describe = unsafe extern "C" fn(*mut c_void, c_int) -> *const c_char;

/// pam_start, pam_authenticate, pam_acct_mgmt, pam_end, pam_strerror.
type Calls<'library> = (
    Symbol<'library, Start>,
    Symbol<'library, Step>,
    Symbol<'library, Step>,
    Symbol<'library, Step>,
    Symbol<'library, Describe>,
);

/// Why PAM did not say yes.
#[derive(Debug)]
pub(super) enum Refusal {
    /// There is no libpam, or it is not one we know.
    NoLibrary(String),
    /// PAM's own words.
    Refused(String),
}

/// Asks PAM whether a user may enter by a password.
pub(super) fn check(service: &CStr, user: &CStr, password: &CString) -> Result<(), Refusal> {
    let missing = |error: libloading::Error| Refusal::NoLibrary(error.to_string());
    // SAFETY: loading libpam runs its initialisers; it is the system's own library, trusted as
    // much as libc, and it stays loaded until this function returns.
    let library = unsafe { Library::new("libpam.so.0") }.map_err(missing)?;
    // SAFETY: the types are those of <security/pam_appl.h>, unchanged since Linux-PAM 0.x; the
    // symbols are not used after `library` is dropped.
    let (start, authenticate, account, end, describe): Calls<'_> = unsafe {
        (
            library.get(b"pam_start\0").map_err(missing)?,
            library.get(b"pam_authenticate\0").map_err(missing)?,
            library.get(b"pam_acct_mgmt\0").map_err(missing)?,
            library.get(b"pam_end\0").map_err(missing)?,
            library.get(b"pam_strerror\0").map_err(missing)?,
        )
    };
    let conversation =
        Conversation { callback: answer, data: std::ptr::from_ref(password).cast_mut().cast() };
    let mut handle = std::ptr::null_mut();
    // SAFETY: both strings and the conversation live until `pam_end` below; `handle` is written.
    let mut code =
        unsafe { start(service.as_ptr(), user.as_ptr(), &raw const conversation, &raw mut handle) };
    if code != SUCCESS {
        return Err(Refusal::Refused(format!("pam_start failed with {code}")));
    }
    // SAFETY: `handle` came from a successful `pam_start`.
    code = unsafe { authenticate(handle, DISALLOW_NULL_AUTHTOK) };
    if code == SUCCESS {
        // SAFETY: as above.
        code = unsafe { account(handle, DISALLOW_NULL_AUTHTOK) };
    }
    let result = if code == SUCCESS {
        Ok(())
    } else {
        // SAFETY: as above; the text returned is static or lives as long as the handle.
        let text = unsafe { describe(handle, code) };
        Err(Refusal::Refused(if text.is_null() {
            format!("PAM error {code}")
        } else {
            // SAFETY: not null, and a C string by pam_strerror's contract.
            unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
        }))
    };
    // SAFETY: `handle` is live and not used again.
    unsafe { end(handle, code) };
    result
}

/// Answers PAM's questions: the password to what must not be echoed, nothing to the rest.
extern "C" fn answer(
    count: c_int,
    messages: *mut *const Message,
    responses: *mut *mut Response,
    data: *mut c_void,
) -> c_int {
    let Ok(length) = usize::try_from(count) else { return CONVERSATION_ERROR };
    if count == 0 || count > MESSAGES_MAX || messages.is_null() || responses.is_null() {
        return CONVERSATION_ERROR;
    }
    // SAFETY: calloc has no preconditions; PAM frees the block with free().
    let block = unsafe { libc::calloc(length, size_of::<Response>()) }.cast::<Response>();
    if block.is_null() {
        return BUFFER_ERROR;
    }
    for index in 0..length {
        // SAFETY: PAM passes `count` valid pointers to messages (Linux-PAM's layout: an array
        // of pointers).
        let style = unsafe { (**messages.add(index)).style };
        if style == PROMPT_ECHO_OFF {
            // SAFETY: `data` is the CString that `check` holds during the whole conversation;
            // strdup copies it into memory that PAM frees; `index` is inside the block.
            unsafe {
                let password = &*data.cast::<CString>();
                (*block.add(index)).text = libc::strdup(password.as_ptr());
            }
        } else if style == PROMPT_ECHO_ON {
            // A question besides the password (a second factor) cannot be answered here.
            // SAFETY: the block and the texts put in so far came from calloc and strdup.
            unsafe {
                for done in 0..index {
                    libc::free((*block.add(done)).text.cast());
                }
                libc::free(block.cast());
            }
            return CONVERSATION_ERROR;
        }
    }
    // SAFETY: checked not null above; PAM takes the block over.
    unsafe { *responses = block };
    SUCCESS
}
