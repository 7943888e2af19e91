"""Farneback's optical flow of pairs of images in OpenCV; the flow of all is written to a file.

    python3 bench/peers/flow_opencv.py <manifest.json> [--warmup 3] [--repeats 10] [--threads 2]
"""

import json

from peer import arguments, measure, read_inputs, report

options = arguments(__doc__)

import cv2  # noqa: E402
import numpy as np  # noqa: E402


def main():
    cv2.setNumThreads(options.threads)
    inputs = read_inputs(options.manifest)
    folder = options.manifest.parent
    given = json.loads((folder / "options.json").read_text())
    names = ("pyrScale", "levels", "winSize", "iterations", "polyN", "polySigma")
    numbers = [given[name] for name in names]
    flags = cv2.OPTFLOW_FARNEBACK_GAUSSIAN if given.get("window") == "gaussian" else 0
    pairs = list(zip(inputs["previous"], inputs["next"]))

    def step():
        return [cv2.calcOpticalFlowFarneback(a, b, None, *numbers, flags) for a, b in pairs]

    milliseconds, flows = measure(step, options)
    np.stack(flows).astype("<f4").tofile(folder / "opencv.bin")
    report(version=cv2.__version__, threads=cv2.getNumThreads(), milliseconds=milliseconds)


main()
