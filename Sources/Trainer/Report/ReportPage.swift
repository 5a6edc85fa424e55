// The page about a run, from what `report.json` holds. Comes in: a report. Leaves: the sections of a page.

import Shared

extension Report {
  package var html: String { page.html }

  package var page: Page {
    var data: [String: JSON] = [:]
    if var latents = latents?.object {
      let best = evaluation.categories.map { JSON.integer($0.best?.latent ?? -1) }
      latents["best"] = .array(best)
      data["latents"] = .object(latents)
    }
    return Page(
      title: "\(name) · SAE report", kind: "Sparse autoencoder", name: name, facts: facts,
      links: links,
      sections: [
        figureSection, trainingSection, distributionSection, lossSection, categorySection,
        latentSection, curveSection, allFigureSection, optionSection, originSection, fileSection,
      ], data: data, scripts: [LatentScript.explorer, LatentScript.detail])
  }

  func fact(_ key: String) -> String? {
    (sae[key] ?? sae["metadata"]?[key]).flatMap(Report.text)
  }

  private var facts: [String] {
    [
      fact("model_name"), fact("hook_name"), fact("hook_name_out").map { "→ \($0)" },
      fact("architecture"), fact("d_in").map { "d_in \($0)" }, fact("d_out").map { "d_out \($0)" },
      fact("d_sae").map { "d_sae \($0)" }, fact("k").map { "k \($0)" },
    ].compactMap(\.self)
  }

  static func text(_ json: JSON) -> String? {
    switch json {
    case .string(let value): value
    case .null: nil
    case .bool, .integer, .number, .array, .object: json.canonical
    }
  }
}

// MARK: - Figures

extension Report {
  /// The evaluation's figures, and how much the run as a whole trained on and how fast.
  var known: Figures {
    var known = evaluation.figures.meaningful
    known[.trainingSamples] = (origin?.tokens ?? timing?.tokens).map { Double($0) }
    known[.tokensPerSecond] = timing?.tokensPerSecond
    return known
  }

  private var figureSection: PageSection {
    let known = known
    let cards = Figure.shown(.card).filter(known.expects).map { figure in
      let place = figure.place(.card)
      return PageCard(
        place?.title ?? figure.title, known.text(figure), (place?.note ?? figure.note).text(known))
    }
    return PageSection(
      "Figures", id: "figures", note: "Over \(evaluation.words(.rows) ?? "")\(lossNote).",
      blocks: [PageBlock.cards(cards), PageBlock.notes(evaluation.advice + evaluation.remarks)])
  }

  private var lossNote: String {
    evaluation.words(.tokens).map {
      "; the loss of the model as it is → with x̂ in the place of x (or zeros) over \($0)"
    } ?? ""
  }

  private var allFigureSection: PageSection {
    let known = evaluation.figures
    let rows = known.map { figure, value -> [JSON] in
      [
        .string(figure.title), ["value": figure.json(value), "text": .string(figure.text(value))],
        .string(figure.note.text(known)), .string(figure.name),
      ]
    }
    return PageSection(
      "All figures", id: "all-figures", note: "Of the finished SAE, as evaluation.json has them.",
      blocks: [
        PageBlock.table(
          id: "figure-table",
          [
            PageColumn("figure"), PageColumn("value", .figure), PageColumn("what it is"),
            PageColumn("name"),
          ], rows: rows)
      ])
  }

  private var lossSection: PageSection {
    let figures = evaluation.figures
    func row(_ name: String, _ loss: Figure, _ divergence: Figure?) -> [JSON] {
      [
        .string(name), loss.json(figures[loss]),
        divergence.map { $0.json(figures[$0]) } ?? .integer(0),
      ]
    }
    let rows = [
      row("as it is", .lossWithoutSAE, nil),
      row("with the SAE in it", .lossWithSAE, .divergenceWithSAE),
      row("with zeros there", .lossWithAblation, .divergenceWithAblation),
    ]
    let shares = [Figure.lossScore, .divergenceScore].compactMap { figure in
      figures.meaningful[figure].map { "\(figure.title) \(figure.text($0))" }
    }
    return PageSection(
      "Loss of the model", id: "loss",
      note: (["What the model's predictions lose where the SAE takes the place of its activations"]
        + shares).joined(separator: "; ") + ".",
      blocks: figures[.lossWithSAE] == nil
        ? []
        : [
          PageBlock.table(
            id: "loss-table",
            [
              PageColumn("the model"), PageColumn("cross-entropy, nats", .figure),
              PageColumn("divergence, nats", .figure),
            ], rows: rows)
        ])
  }
}

// MARK: - Categories and latents

extension Report {
  private var categorySection: PageSection {
    let rows = evaluation.categories.map { category -> [JSON] in
      let best = category.best
      func number(_ value: Double?) -> JSON { value.map { .number($0) } ?? .null }
      return [
        .string(category.name), number(best?.f1 ?? 0),
        best.map {
          [
            "value": .integer($0.latent), "text": .string("#\($0.latent)"),
            "link": .string("#latent-\($0.latent)"),
          ]
        } ?? .null,
        number(best?.precision), number(best?.recall), .integer(category.rows),
        .string(category.words.prefix(12).joined(separator: ", ")),
      ]
    }
    return PageSection(
      "Categories", id: "categories",
      note: "The latent whose activity best agrees with a category of tokens.",
      blocks: [
        PageBlock.table(
          id: "category-table",
          [
            PageColumn("category"), PageColumn("F1", .figure, hasBar: true),
            PageColumn("latent", .whole), PageColumn("precision", .figure),
            PageColumn("recall", .figure), PageColumn("tokens seen", .whole),
            PageColumn("words"),
          ], rows: rows)
      ])
  }

  private var latentSection: PageSection {
    guard let latents, latents["count"]?.integer ?? 0 > 0 else {
      return PageSection("Latents", id: "latents", blocks: [])
    }
    let remarks = latents["remarks"]?.array?.compactMap(\.string) ?? []
    let shown = latents["details"]?.array?.count ?? 0
    let text =
      shown == 0
      ? "All latents."
      : "All latents; a click on one shows it. Those below the table, \(shown) of them, stand in "
        + "this page: the best of each category, others spread over the densities, and the extremes; "
        + "the details of the rest are in the folder latents beside it."
    return PageSection(
      "Latents", id: "latents", note: text,
      blocks: [["kind": "latents"], PageBlock.notes(remarks)])
  }
}

// MARK: - What the run is made of

extension Report {
  private var optionSection: PageSection {
    // What describes the SAE is said once.
    let settings = Report.flattened(settings, prefix: "").filter {
      !$0.0.hasPrefix("sae.metadata.")
    }
    return PageSection(
      "Options", id: "options", note: "The settings of the run, as runner_cfg.json has them.",
      blocks: [PageBlock.pairs(settings.map { ($0.0, $0.1, nil) })])
  }

  private var originSection: PageSection {
    PageSection(
      "Origin", id: "origin", note: "Where the data came from; folders are those of the store.",
      blocks: [PageBlock.pairs((origin?.entries ?? []).map { ($0.name, $0.value, nil) })])
  }

  private var fileSection: PageSection {
    PageSection(
      "Files", id: "files",
      note: "Beside this page. The folder opens with SAE.load_from_disk.",
      blocks: [PageBlock.pairs(files.map { ($0.name, Readable.bytes($0.byteCount), nil) })])
  }

  /// Settings as dotted keys, sorted; what is not set is left out.
  private static func flattened(_ json: JSON, prefix: String) -> [(String, String)] {
    guard let members = json.object else {
      return text(json).map { [(prefix, $0)] } ?? []
    }
    return members.keys.sorted().flatMap { key in
      flattened(members[key] ?? .null, prefix: prefix.isEmpty ? key : prefix + "." + key)
    }
  }
}
