// Whether somebody asked the program to stop, apart from what asks: a signal handler may only set it.

import Synchronization

/// Set by the signal handlers of `System.catchInterrupts`.
let interruptFlag = Atomic<Bool>(false)

/// When it was set last, in milliseconds of the clock that only moves forward.
let interruptTime = Atomic<Int>(0)
