// A file of a run that could not be written for want of room: the run can go on later.

package import Shared

/// Why a file of a run could not be written.
package struct RunFileError: Failure, Equatable {
  package let cause: SystemError

  package init(_ cause: SystemError) { self.cause = cause }

  package var sentence: String { cause.sentence }
  package var hint: String? {
    cause.remedy + " and run the same command again; it continues from the newest checkpoint."
  }
  package var exitCode: ExitCode { cause.exitCode }

  /// Runs `body`, in which files of a run are written.
  static func explaining<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let error as SystemError where error.isFull {
      throw RunFileError(error)
    }
  }
}
