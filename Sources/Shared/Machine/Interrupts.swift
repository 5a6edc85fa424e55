// Whether somebody asked the program to stop, apart from what asks: a signal handler may only set it.

import Synchronization

/// Set by the signal handlers of `System.catchInterrupts`.
let interruptFlag = Atomic<Bool>(false)
