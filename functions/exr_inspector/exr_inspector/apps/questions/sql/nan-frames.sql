-- Which shots have NaN or infinite values?
--
-- Count the frames and samples of each channel, and show the first pixel. The shot is the folder with a name such
-- as `sh010`.
--
-- $shot text = /(sh[0-9]+)/: A regular expression; its group is the shot in a path.
--
-- | shot | name | frames | nan_samples | infinite_samples | first_frame | x | y |
-- |---|---|---|---|---|---|---|---|
-- | sh010 | R | 1 | 1 | 1 | 1002 | 4 | 2 |
SELECT regexp_extract(f.file_path, $shot, 1) AS shot, c.name,
       count(*) AS frames,
       sum(c.nan_count) AS nan_samples,
       sum(c.pos_inf_count + c.neg_inf_count) AS infinite_samples,
       min(f.frame_number) AS first_frame,
       min_by(c.first_nonfinite_x, f.frame_number) AS x,
       min_by(c.first_nonfinite_y, f.frame_number) AS y
FROM channel_stats AS c
JOIN files AS f ON f.file_id = c.file_id
WHERE c.nan_count + c.pos_inf_count + c.neg_inf_count > 0 AND NOT c.is_cryptomatte
GROUP BY 1, 2
ORDER BY 1, 2
