// Whether files stayed as they were between their digest and their reading. Comes in: paths, before the digests
// are taken. Leaves: an error where a file is not the one that the digest was taken of.

/// What files looked like before their digests were taken.
package struct InputMarks: Sendable {
  private let marks: [String: System.Status]

  /// Looks at the files that are here; those of a server are told by what names them.
  package init(_ paths: some Sequence<String>) throws(SystemError) {
    var marks: [String: System.Status] = [:]
    for path in paths { marks[path] = try System.find(path) }
    self.marks = marks
  }

  /// Refuses files that are not what they were; to be called after they were read and before what was made of
  /// them is given a name.
  package func check() throws { try check(marks.keys) }

  /// As `check`, of some of the files.
  package func check(_ paths: some Sequence<String>) throws {
    for path in paths {
      guard let mark = marks[path] else { continue }
      let isSame: Bool
      do { isSame = try System.freshStatus(path) == mark } catch {
        guard error.isNotFound else { throw error }
        isSame = false
      }
      guard isSame else { throw ChangedFile(path: path) }
    }
  }
}
