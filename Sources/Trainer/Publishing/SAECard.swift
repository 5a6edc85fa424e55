// The model card of a repository of SAEs. Comes in: SAEs that go up, and the card that stands there. Leaves:
// README.md with a section for each SAE of the repository; somebody's own text is left alone.

import Shared

/// The card over a repository.
struct SAECard {
  let repository: HubRepository
  let saes: [PublishedSAE]
  /// The SAEs that the repository holds besides, by path.
  let standing: [String]

  private static let sectionEnd = "<!-- end of an SAE -->"

  private static func sectionStart(_ path: String) -> String { "<!-- SAE \(path) -->" }

  /// The card in place of another one; nil where that is somebody's own.
  func written(over existing: String?) -> String? {
    if let existing, !ModelCard.isOurs(existing) { return nil }
    var sections = SAECard.sections(existing ?? "").filter { standing.contains($0.key) }
    for sae in saes { sections[sae.path] = section(sae) }
    let list = sections.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    let texts = list.map { path, text in
      "\(SAECard.sectionStart(path))\n\(text)\n\(SAECard.sectionEnd)\n"
    }
    return ModelCard.text(
      front: [
        "library_name: saelens", "tags:", "- sparse-autoencoder", "- mechanistic-interpretability",
      ],
      body: """
        # \(repository.id)

        Sparse autoencoders in SAELens's layout, trained with Saeline.

        \(texts.joined(separator: "\n"))
        """)
  }

  /// The sections of a card of ours, by path.
  private static func sections(_ card: String) -> [String: String] {
    var sections: [String: String] = [:]
    var open: (path: String, lines: [Substring])?
    for line in card.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("<!-- SAE "), line.hasSuffix(" -->") {
        open = (String(line.dropFirst(9).dropLast(4)), [])
      } else if line == sectionEnd, let section = open {
        sections[section.path] = section.lines.joined(separator: "\n")
        open = nil
      } else {
        open?.lines.append(line)
      }
    }
    return sections
  }

  private func section(_ sae: PublishedSAE) -> String {
    let report = sae.report
    let rows = facts(sae) + (report?.evaluation.finalRows ?? [])
    var lines = ["## \(sae.path)", "", "| | | |", "|---|---|---|"]
    lines += rows.map { row in
      "| " + row.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |"
    }
    if report.flatMap(CurvesPicture.init) != nil {
      let picture = WebAddress.quoted("\(sae.path)/\(PublishedSAE.pictureName)")
      lines += ["", "![Explained variance and L0 over the steps of training](\(picture))"]
    }
    if System.exists(sae.folder + "/" + Report.fileName) {
      let page = WebAddress.quoted("\(sae.path)/\(Report.fileName)")
      lines += [
        "",
        "[\(Report.fileName)](\(page)) has all curves, and latents with the texts that they fire on.",
      ]
    }
    return (lines + ["", loading(sae)]).joined(separator: "\n")
  }

  private func loading(_ sae: PublishedSAE) -> String {
    let branch =
      repository.revision == "main"
      ? "" : "This is the branch `\(repository.revision)`; download it to load it.\n\n"
    return branch + """
      ```python
      from sae_lens import SAE

      sae = SAE.from_pretrained("\(repository.id)", "\(sae.path)")
      ```
      """
  }

  /// What cfg.json says of an SAE of any version of SAELens.
  private func facts(_ sae: PublishedSAE) -> [[String]] {
    let configuration = sae.configuration
    func fact(_ key: String) -> String? {
      guard let value = configuration[key] ?? configuration["metadata"]?[key], value != .null
      else { return nil }
      return value.string ?? value.canonical
    }
    let architecture = [fact("architecture"), fact("k").map { "k = \($0)" }].compactMap(\.self)
    let sizes = [fact("d_in"), fact("d_sae")].compactMap(\.self)
    let rows = [
      ("model", fact("model_name").map { "`\($0)`" }),
      ("hook point", fact("hook_name").map { "`\($0)`" }),
      ("architecture", architecture.isEmpty ? nil : architecture.joined(separator: ", ")),
      ("d_in → d_sae", sizes.count == 2 ? sizes.joined(separator: " → ") : nil),
      ("context size", fact("context_size")), ("data set", fact("dataset_path").map { "`\($0)`" }),
    ]
    return rows.compactMap { name, value in value.map { [name, $0, ""] } }
  }
}
