"""The same script with five changed lines: every verb of lrdecay can drive it now, and by hand it runs as before."""

import torch
from sklearn.datasets import load_digits
from torch.nn.functional import cross_entropy

import lrdecay

STEPS, EPOCH, BATCH = 460, 23, 64

torch.manual_seed(0)
run = lrdecay.script(steps=STEPS, steps_per_epoch=EPOCH)
data = load_digits()
x = torch.tensor(data.data / 16, dtype=torch.float32)
y = torch.tensor(data.target)
train_x, train_y, test_x, test_y = x[:1437], y[:1437], x[1437:], y[1437:]

model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Dropout(0.2), torch.nn.Linear(64, 10))
opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
sched = run.attach(opt, "cosine(0.1)")


def batch(t):
    index = torch.randint(len(train_x), (BATCH,))
    return train_x[index], train_y[index]


def train_step(inputs, targets):
    model.train()
    opt.zero_grad()
    loss = cross_entropy(model(inputs), targets)
    loss.backward()
    opt.step()
    return loss


def evaluate():
    model.train(False)
    with torch.no_grad():
        return (model(test_x).argmax(1) == test_y).float().mean().item()


def save_ckpt(path, t):
    states = {"model": model.state_dict(), "opt": opt.state_dict(), "sched": sched.state_dict()}
    torch.save({**states, "accuracy": accuracy, "t": t}, path)


def load_ckpt(path):
    global accuracy  # what the loop carries along belongs in the checkpoint, too
    saved = torch.load(path, weights_only=True)
    model.load_state_dict(saved["model"])
    opt.load_state_dict(saved["opt"])
    sched.load_state_dict(saved["sched"])
    accuracy = saved["accuracy"]
    return saved["t"]


accuracy = evaluate()
for t in run.steps(save=save_ckpt, load=load_ckpt):
    loss = train_step(*batch(t))
    sched.step()
    run.log(loss=loss, accuracy=accuracy)
    if (t + 1) % EPOCH == 0:
        accuracy = evaluate()
        print(f"step {t + 1}: loss {loss:.4f}, accuracy {accuracy:.4f}")
