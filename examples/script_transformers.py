"""A script around transformers' Trainer that every verb of lrdecay can drive; by hand it is an ordinary run."""

import tempfile

import torch
from sklearn.datasets import load_digits
from torch.nn.functional import cross_entropy
from transformers import Trainer, TrainingArguments

import lrdecay

STEPS, EPOCH, BATCH = 60, 23, 64

torch.manual_seed(0)
run = lrdecay.script(steps=STEPS, steps_per_epoch=EPOCH)
data = load_digits()
pixels = torch.tensor(data.data / 16, dtype=torch.float32)
digits = [{"x": image, "labels": label} for image, label in zip(pixels, data.target, strict=True)]


class Digits(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Sequential(
            torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Dropout(0.2), torch.nn.Linear(64, 10)
        )

    def forward(self, x, labels):
        logits = self.net(x)
        return {"loss": cross_entropy(logits, labels), "logits": logits}


with tempfile.TemporaryDirectory() as folder:
    arguments = TrainingArguments(
        output_dir=folder,
        max_steps=run.horizon.steps,
        seed=run.seed,
        per_device_train_batch_size=BATCH // 2,
        gradient_accumulation_steps=2,
        optim="sgd",
        use_cpu=True,
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        report_to="none",
    )
    trainer = Trainer(Digits(), arguments, train_dataset=digits[:1437], eval_dataset=digits[1437:])
    run.attach(trainer, "cosine(0.1)")
    trainer.train(resume_from_checkpoint=run.checkpoint)
    accuracy = (trainer.predict(digits[1437:]).predictions.argmax(1) == data.target[1437:]).mean()
    run.log(accuracy=accuracy)
    print(f"accuracy {accuracy:.4f}")
