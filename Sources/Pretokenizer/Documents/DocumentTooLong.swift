// The bound on one document, so that memory stays bounded whatever a file holds.

import Shared

/// A line or document above the limit of the settings.
package struct DocumentTooLong: Failure, Equatable {
  package let path: String
  /// Where it starts, in the file once decompressed.
  package let byte: Int
  /// In bytes.
  package let limit: Int

  package init(path: String, byte: Int, limit: Int) {
    self.path = path
    self.byte = byte
    self.limit = limit
  }

  package var sentence: String {
    let size = limit % (1 << 20) == 0 ? "\(limit >> 20) MiB" : "\(limit) bytes"
    return "\(path): the document that starts at byte \(byte) is longer than \(size)."
  }

  package var hint: String? {
    "Set pretokenize.document_megabytes to a larger number, or cut the document; the lines of a text "
      + "file are documents with text_documents \"line\"."
  }
}
