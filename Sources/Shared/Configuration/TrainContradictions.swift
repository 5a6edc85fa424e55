// Options of the section `train` that do not fit together, each with a sentence; those of single
// architectures stand with Architecture.

extension TrainSettings {
  package var contradictions: [Complaint] {
    // What an SAE to start from says is known to the trainer alone, which looks again.
    let isWhole = fromPretrainedPath == nil || takenOver != nil
    return (isWhole ? latentContradictions : []) + scheduleContradictions
      + HookLayer.contradiction(name: hookName, layer: hookLayer) + releaseContradictions
  }

  private var releaseContradictions: [Complaint] {
    guard let saeLensVersion, DefaultsVersion(release: saeLensVersion) == nil else { return [] }
    return [
      Complaint("sae_lens_version", "must be a version such as 5.11.0, but is \(saeLensVersion).")
    ]
  }

  private var latentContradictions: [Complaint] {
    var found: [Complaint] = []
    if let dSae, let expansionFactor, dSae != dIn.flatMap({ width(expansionFactor, of: $0) }) {
      found.append(
        Complaint(
          "d_sae",
          "is \(dSae) while expansion_factor is \(expansionFactor); only one of them may be given."
        ))
    }
    return found + architectureContradictions(latents: dSae ?? dIn.flatMap(latentCount))
      + formulaContradictions
  }

  private var formulaContradictions: [Complaint] {
    var found: [Complaint] = []
    func refuse(_ name: String, _ text: String, if condition: Bool) {
      if condition { found.append(Complaint(name, text)) }
    }
    let kind = architecture.rawValue
    let isRowwise =
      normalizeActivations == .constantNormRescale || normalizeActivations == .layerNorm
    let usesAuxK = architecture.comparesLatents && auxLossCoefficient > 0
    refuse(
      "normalize_activations",
      "is \(normalizeActivations.rawValue), which goes with aux_loss_coefficient 0 alone.",
      if: isRowwise && usesAuxK)
    refuse(
      "normalize_activations", "is \(normalizeActivations.rawValue), which \(kind) does not take.",
      if: normalizeActivations == .covarianceWhitening
        && (architecture == .matchingPursuit || architecture.isTranscoder))
    refuse(
      "normalize_activations", "is \(normalizeActivations.rawValue), which \(kind) does not take.",
      if: isRowwise
        && (architecture.isTranscoder || architecture == .matchingPursuit || architecture == .gated)
    )
    refuse(
      "use_ghost_grads", "is true, which goes with architecture standard alone.",
      if: useGhostGrads && architecture != .standard)
    refuse(
      "finetuning_method", "is needed by finetuning_tokens.",
      if: finetuningTokens > 0 && finetuningMethod == nil)
    refuse(
      "finetuning_method", "is decoder, which goes with apply_b_dec_to_input false alone.",
      if: finetuningMethod == .decoder && applyBDecToInput && !architecture.isTranscoder)
    refuse(
      "finetuning_method", "is not for architecture \(kind).",
      if: finetuningMethod != nil && architecture != .standard)
    refuse(
      "hook_name_out", "is needed by architecture \(kind).",
      if: architecture.isTranscoder && hookNameOut == nil)
    refuse(
      "hook_name_out", "is given, but architecture \(kind) is no transcoder.",
      if: !architecture.isTranscoder && hookNameOut != nil)
    refuse(
      "mse_loss_normalization", "is not for architecture \(kind).",
      if: mseLossNormalization != nil && architecture == .matchingPursuit)
    return found
  }

  private var scheduleContradictions: [Complaint] {
    var found: [Complaint] = []
    let steps = stepCount
    if steps == 0 {
      found.append(
        Complaint(
          "training_tokens", "is \(trainingTokens), less than one batch of \(trainBatchSizeTokens)."
        )
      )
      return found
    }
    let main = steps - lrWarmUpSteps - lrDecaySteps
    if main < 0 {
      found.append(
        Complaint(
          "lr_decay_steps",
          "is \(lrDecaySteps) and lr_warm_up_steps is \(lrWarmUpSteps), "
            + "but the run has \(steps) steps."
        ))
    } else if lrSchedulerName == .cosineAnnealingWarmRestarts, nRestartCycles > main {
      found.append(
        Complaint("n_restart_cycles", "is \(nRestartCycles), but the schedule has \(main) steps."))
    }
    if lrEnd == 0, lrDecaySteps > 0, lrSchedulerName != .constant {
      found.append(Complaint("lr_end", "is 0, which leaves nothing to decay over lr_decay_steps."))
    }
    return found
  }
}
