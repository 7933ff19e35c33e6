"""A Lightning script that every verb of lrdecay can drive; by hand it is an ordinary run."""

import logging
import warnings

import torch
from lightning.pytorch import LightningModule, Trainer
from sklearn.datasets import load_digits
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

import lrdecay

warnings.filterwarnings("ignore", module="lightning")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
STEPS, EPOCH, BATCH = 60, 23, 64

torch.manual_seed(0)
run = lrdecay.script(steps=STEPS, steps_per_epoch=EPOCH)
data = load_digits()
x = torch.tensor(data.data / 16, dtype=torch.float32)
y = torch.tensor(data.target)
train = DataLoader(TensorDataset(x[:1437], y[:1437]), BATCH, shuffle=True)
heldout = DataLoader(TensorDataset(x[1437:], y[1437:]), 360)


class Digits(LightningModule):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Sequential(
            torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Dropout(0.2), torch.nn.Linear(64, 10)
        )

    def training_step(self, batch, index):
        inputs, targets = batch
        return cross_entropy(self.net(inputs), targets)

    def validation_step(self, batch, index):
        inputs, targets = batch
        accuracy = (self.net(inputs).argmax(1) == targets).float().mean()
        run.log(accuracy=accuracy)
        print(f"step {self.trainer.global_step}: accuracy {accuracy:.4f}")

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)


trainer = Trainer(
    max_steps=run.horizon.steps,
    accelerator="cpu",
    num_sanity_val_steps=0,
    logger=False,
    enable_checkpointing=False,
    enable_progress_bar=False,
    enable_model_summary=False,
)
run.attach(trainer, "cosine(0.1)")
trainer.fit(Digits(), train, heldout, ckpt_path=run.checkpoint)
