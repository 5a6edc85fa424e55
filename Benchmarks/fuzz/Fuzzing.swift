// What libFuzzer calls: bytes come in, and a value, or an error with a sentence that can be shown, leaves. Anything
// else ends the process. FUZZ names the target; build.sh compiles this with the targets of one family and the rooms
// that their readers lie in, as one module.

import Foundation

/// Bytes as a file.
final class Bytes: ByteSource {
  let path = "a"
  private let bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var byteCount: Int { bytes.count }

  func read(at offset: Int, count: Int) throws -> [UInt8] {
    guard offset < bytes.count else { return [] }
    return Array(bytes[offset..<min(bytes.count, offset + count)])
  }
}

/// Files beside each other, in FUZZ_FOLDER, written anew for every input.
struct Beside: Sendable {
  let path = ProcessInfo.processInfo.environment["FUZZ_FOLDER"] ?? "."

  func write(_ contents: [String: ArraySlice<UInt8>]) {
    for (name, bytes) in contents {
      // Without the flushing and renaming of the programs, which would take most of the time.
      let isWritten = FileManager.default.createFile(
        atPath: path + "/" + name, contents: Data(bytes))
      precondition(isWritten, name)
    }
  }
}

let files = Beside()

private let target = targets[ProcessInfo.processInfo.environment["FUZZ"] ?? ""]

/// Names the targets where FUZZ is none of them.
///
/// Called before libFuzzer takes every end of the process for a crash.
@_cdecl("LLVMFuzzerInitialize")
func begin(
  _ count: UnsafeMutablePointer<Int32>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>
) -> Int32 {
  guard target == nil else { return 0 }
  print("FUZZ is one of", targets.keys.sorted().joined(separator: " "))
  exit(2)
}

/// Whether an error is a problem of a text, or a sentence of bounded length.
func isShowable(_ error: any Error) -> Bool {
  guard let failure = error as? any Failure else {
    return error is JSONProblem || error is JSON5Problem || error is YAMLProblem
      || isProblem(error)
  }
  return !failure.sentence.isEmpty && (failure.sentence + (failure.hint ?? "")).utf8.count < 1 << 16
}

@_cdecl("LLVMFuzzerTestOneInput")
func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let bytes = unsafe start.map { unsafe Array(UnsafeBufferPointer(start: $0, count: count)) } ?? []
  do { try target?(bytes) } catch { precondition(isShowable(error), "\(error)") }
  return 0
}
