//! On macOS: notifications of the workspace and of the login window. They come on the main thread while windows run there;
//! a command that waits without windows hears none of them.
#![expect(unsafe_code, reason = "an object that hears notifications has no safe interface")]

use client::lock::LockEvent;
use dispatch2::DispatchQueue;
use objc2::rc::Retained;
use objc2::runtime::NSObject;
use objc2::{AnyThread, DefinedClass, define_class, msg_send, sel};
use objc2_app_kit::{
    NSWorkspace, NSWorkspaceDidWakeNotification, NSWorkspaceSessionDidResignActiveNotification,
    NSWorkspaceWillSleepNotification,
};
use objc2_foundation::{NSDistributedNotificationCenter, NSNotification, NSNotificationSuspensionBehavior, NSString};
use tokio::sync::mpsc;

use super::SessionEvent;
use super::told::tell;

/// What the login window says when it covers the screen.
const SCREEN_IS_LOCKED: &str = "com.apple.screenIsLocked";

pub fn watch(sender: &mpsc::Sender<SessionEvent>) {
    let sender = sender.clone();
    DispatchQueue::main().exec_async(move || listen(&sender));
}

fn listen(sender: &mpsc::Sender<SessionEvent>) {
    let workspace = NSWorkspace::sharedWorkspace().notificationCenter();
    // SAFETY: these names are set when the program is loaded, and never again.
    let told = unsafe {
        [
            (NSWorkspaceWillSleepNotification, LockEvent::Sleeps),
            (NSWorkspaceDidWakeNotification, LockEvent::Woke),
            (NSWorkspaceSessionDidResignActiveNotification, LockEvent::PersonLeft),
        ]
    };
    for (name, what) in told {
        let observer = Observer::new(sender.clone(), what);
        // SAFETY: the observer has this method, and stays.
        unsafe { workspace.addObserver_selector_name_object(&observer, sel!(hears:), Some(name), None) };
        stay(observer);
    }
    let observer = Observer::new(sender.clone(), LockEvent::ScreenLocks);
    let name = NSString::from_str(SCREEN_IS_LOCKED);
    // Also while another program is in front, and not only when this one is again.
    let at_once = NSNotificationSuspensionBehavior::DeliverImmediately;
    // SAFETY: as above.
    unsafe {
        NSDistributedNotificationCenter::defaultCenter().addObserver_selector_name_object_suspensionBehavior(
            &observer,
            sel!(hears:),
            Some(&name),
            None,
            at_once,
        );
    }
    stay(observer);
}

/// A notification centre keeps nobody who listens alive. There are as few of these as there are events.
fn stay(observer: Retained<Observer>) {
    std::mem::forget(observer);
}

struct Tells {
    sender: mpsc::Sender<SessionEvent>,
    what: LockEvent,
}

define_class!(
    // SAFETY: `NSObject` asks nothing of its subclasses, and this one has no `Drop`.
    #[unsafe(super(NSObject))]
    #[name = "BillfoldSessionObserver"]
    #[ivars = Tells]
    struct Observer;

    impl Observer {
        // SAFETY: a notification centre hands one notification over and wants nothing back.
        #[unsafe(method(hears:))]
        fn hears(&self, _: &NSNotification) {
            let Tells { sender, what } = self.ivars();
            // The system waits for a handler that has not returned before it sleeps.
            tell(sender, *what);
        }
    }
);

impl Observer {
    fn new(sender: mpsc::Sender<SessionEvent>, what: LockEvent) -> Retained<Self> {
        let made = Self::alloc().set_ivars(Tells { sender, what });
        // SAFETY: `NSObject` begins like this.
        unsafe { msg_send![super(made), init] }
    }
}
