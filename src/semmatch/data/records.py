"""tmp"""
import dataclasses
import numpy as np
@dataclasses.dataclass(frozen=True, eq=False)
class Pairs:
    text_a: list
    text_b: list
    label: np.ndarray = None
    def __len__(self): return len(self.text_a)
    def __getitem__(self, s): return Pairs(self.text_a[s], self.text_b[s], None if self.label is None else self.label[s])
