// What can be wrong with a file of torch.save, and the sentences for it.

/// Why a pickle is refused.
package enum PickleError: Failure, Equatable {
  case instruction(path: String, name: String, offset: Int)
  case foreignName(path: String, name: String, offset: Int)
  case malformed(path: String, offset: Int)
  case notTensors(path: String, key: String)
  case tooLarge(path: String, byteCount: Int)
  case tooManyValues(path: String, offset: Int)

  package var sentence: String {
    switch self {
    case .instruction(let path, let name, let offset):
      "\(path): the pickle has the instruction \(name) at byte \(offset), which no file of tensors "
        + "needs."
    case .foreignName(let path, let name, let offset):
      "\(path): the pickle names \(JSON.clipped(name)) at byte \(offset), which is neither a tensor "
        + "nor a part of one."
    case .malformed(let path, let offset): "\(path): the pickle is malformed at byte \(offset)."
    case .notTensors(let path, let key): "\(path): \(JSON.clipped(key)) is no tensor."
    case .tooLarge(let path, let byteCount):
      "\(path) has a pickle of \(byteCount) bytes; at most \(TorchPickle.byteLimit) are read."
    case .tooManyValues(let path, let offset):
      "\(path): the pickle holds more than \(TorchPickle.valueLimit) values, reached at byte "
        + "\(offset)."
    }
  }

  package var hint: String? {
    "Save the tensors alone: torch.save(model.state_dict(), FILE); or as safetensors."
  }
}

/// Why a file is none of torch.save that is read.
package enum TorchError: Failure, Equatable {
  case unknownForm(path: String)
  case pointer(path: String)
  case tar(path: String)
  case program(path: String)

  package var sentence: String {
    switch self {
    case .unknownForm(let path): "\(path) is no file of torch.save."
    case .pointer(let path): "\(path) is a pointer of Git LFS, not the weights themselves."
    case .tar(let path):
      "\(path) is a tar archive, as torch.save wrote before torch 0.1.10; it is not read."
    case .program(let path):
      "\(path) is a program of TorchScript (torch.jit.save), not a file of tensors."
    }
  }

  package var hint: String? {
    switch self {
    case .unknownForm: "Fetch or create the file again."
    case .pointer: "Fetch the file itself: git lfs pull."
    case .tar, .program: "Save the tensors alone: torch.save(model.state_dict(), FILE)."
    }
  }
}
