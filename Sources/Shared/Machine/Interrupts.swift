import Synchronization

/// Set by the signal handlers of `System.catchInterrupts`.
let interruptFlag = Atomic<Bool>(false)
