"""Other programs' names for the options of this one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

__all__ = ["meant_key"]

_NAMES = {
    "learning_rate": "lr, init_lr, initial_lr, base_lr, max_lr, lrate, eta, step_size",
    "architecture_learning_rate": "arch_lr, alpha_lr, lr_arch, arch_learning_rate, lr_a",
    "batch_size": "bs, b, batch, batchsize, train_batch_size, samples_per_gpu, minibatch",
    "epochs": (
        "e, ep, epoch, n_epochs, num_epochs, max_epochs, nepochs, total_epochs, max_epoch, "
        "num_epoch, max_num_epochs"
    ),
    "steps_per_epoch": (
        "iterations_per_epoch, iters, num_steps, steps, n_iter, max_steps, epoch_length, "
        "num_iterations_per_epoch, iterations, limit_train_batches"
    ),
    "warmup_epochs": "warmup, warm_up, warmup_epoch, begin, arch_start, epochs_warmup",
    "val_interval": (
        "eval_interval, validate_every, val_every, check_val_every_n_epoch, eval_every, "
        "validation_interval, save_every"
    ),
    "num_workers": "workers, j, n_workers, nworkers, num_proc, threads, cpus, nw, num_processes",
    "device": "gpu, gpus, cuda, gpu_id, gpu_ids, accelerator, dev, devices, ngpus, no_cuda, cpu",
    "amp": "fp16, mixed_precision, precision, half, use_amp, bf16, autocast",
    "seed": "random_seed, manual_seed, rng, random_state, seed_everything",
    "dataset_dir": (
        "data, root, data_dir, data_root, dataroot, data_path, dataset, dataset_path, root_dir, "
        "input, input_dir, inputs, images, image_dir, images_dir, dataset_root, i, path"
    ),
    "output_dir": (
        "out, output, outdir, out_dir, save_dir, log_dir, logdir, work_dir, results, results_dir, "
        "result_dir, save_path, output_path, exp_dir, o, save, saved, predictions, pred_dir"
    ),
    "ckpt_dir": "checkpoint_dir, model_dir, weights_dir, models, checkpoints, model_folder",
    "checkpoint": (
        "ckpt, weights, weight, model, model_path, ckpt_path, load, load_path, "
        "checkpoint_path, model_file, weights_path, resume_from, pth, state_dict, pretrained"
    ),
    "backbone_ckpt": (
        "ckpt, weights, weight, pretrained, pretrained_weights, pretrained_path, load, load_path, "
        "init_weights, model_path, ckpt_path, pretrain, load_pretrain, load_pretrained, backbone, "
        "checkpoint, checkpoint_path, encoder_weights"
    ),
    "genotype_path": "genotype, arch, cell, architecture, cell_path, arch_path, architecture_path",
    "architecture_path": (
        "genotype, arch, architecture, arch_path, arch_ckpt, arch_ckpt_path, genotype_path"
    ),
    "postprocessing_file": "keep_largest, largest_component, postprocess, post_processing",
    "save_probabilities": "probabilities, save_softmax, softmax, save_npz, npz, save_probs, probs",
    "cache_dir": "cache, cachedir, tmp_dir, cache_path, persistent_cache",
    "folds_file": "split, splits, split_file, splits_file, folds, fold_file, datalist, split_json",
    "fold": "k, fold_id, fold_index, cv_fold, test_fold",
    "num_folds": "n_folds, kfold, k_folds, nfolds, n_splits, cv, num_splits",
    "patch_size": "roi_size, crop_size, img_size, image_size, input_size, crop, roi, patch, size",
    "field_of_view": "fov, window, window_size, spatial_size, roi_size, image_size, img_size",
    "pixdim": "spacing, voxel_size, resolution, target_spacing, voxel_spacing, pixel_size",
    "class_names": "classes, labels, label_names, class_name",
    "out_channels": "num_classes, n_classes, nclass, num_class, output_nc, num_labels, classes",
    "in_channels": "input_nc, n_channels, channels, num_channels, in_chans, modalities",
    "resume": "continue, continue_training, c, restart, auto_resume, resume_training",
    "augment": "aug, augmentation, augmentations, data_aug, transforms",
    "operations": "ops, primitives, op_names, candidates",
    "num_nodes": "nodes, n_nodes, steps, num_intermediate_nodes, multiplier",
    "channel_divisor": "k, partial_channels, channel_proportion",
    "keep_schedule": "schedule, keep, drop_schedule, dropping_num_cells",
    "pruning": "prune, early_stop, early_stopping, progressive",
    "skip_module": "skip, skip_connection, attention, module",
    "layout": "format, dataset_format, data_format, dataset_type",
    "frozen_backbone": "freeze, frozen, freeze_backbone, freeze_encoder",
    "pretrained_encoder": "pretrained, imagenet, encoder_weights",
    "memory_gigabytes": "memory, ram, gpu_memory, ram_cost, max_memory",
    "memory_fraction": "ram_cost_factor, budget_fraction, memory_budget",
    "patches_per_volume": "num_samples, samples_per_volume, num_patches, crops",
    "optimizer": "opt, optim",
    "loss": "loss_function, loss_fn",
    "inferer": "sliding_window",
}
"""Options with other programs' names; where several match, the first option counts."""

_INSIDE = {
    "optimizer#weight_decay": "wd, weight_decay, l2",
    "optimizer#momentum": "momentum",
    "optimizer#betas": "betas",
    "inferer#overlap": "overlap",
    "validate#inferer#overlap": "overlap",
    "inferer#sw_batch_size": "sw_batch_size, window_batch_size",
    "validate#inferer#sw_batch_size": "sw_batch_size, window_batch_size",
}
"""Arguments of components with their names elsewhere."""


def _meanings() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for option, names in [*_INSIDE.items(), *_NAMES.items()]:
        for name in names.split(", "):
            found[name] = (*found.get(name, ()), option)
    return MappingProxyType(found)


_MEANINGS = _meanings()


def meant_key(key: str, known: Collection[str]) -> str | None:
    """Return the option that a common name stands for; None if the run has none.

    Case, and the choice between ``-`` and ``_``, do not matter.

    Args:
        key: as it was given.
        known: the options of the run.
    """
    meanings = _MEANINGS.get(key.lower().replace("-", "_").strip("_"), ())
    return next((option for option in meanings if option.partition("#")[0] in known), None)
