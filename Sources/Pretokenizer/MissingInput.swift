// What the settings name and this machine does not have. Comes in: settings. Leaves: one error that
// names all of it.

package import Shared

/// Inputs that are named but not here.
package struct MissingInput: Failure {
  private let failures: [any Failure]

  package var sentence: String { failures.map(\.sentence).joined(separator: " ") }

  package var hint: String? {
    guard failures.count > 1 else { return failures.first?.hint }
    return "Give local files as pretokenize.tokenizer_name and pretokenize.dataset_path; this "
      + "version does not download from the Hugging Face Hub."
  }

  /// Refuses settings whose tokenizer or text is not here.
  package static func check(_ settings: PretokenizeSettings) throws {
    let failures = find(settings)
    if !failures.isEmpty { throw MissingInput(failures: failures) }
  }

  /// What is wrong with the places of tokenizer and text, each with its own words.
  package static func find(_ settings: PretokenizeSettings) -> [any Failure] {
    var found: [any Failure] = []
    do throws(TokenizerError) { _ = try Tokenizer.locate(settings.tokenizerName) } catch {
      found.append(error)
    }
    do { _ = try DataFiles.find(settings) } catch let error as DataError {
      if case .absent = error { found.append(error) }
    } catch {}
    return found
  }
}
