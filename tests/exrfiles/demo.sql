SELECT regexp_extract(coalesce(f.sequence_key, f.file_path), '[^/]*/[^/]*$') AS sequence,
       concat_ws('-', min(f.frame_number), nullif(max(f.frame_number), min(f.frame_number))) AS frames,
       count(*) FILTER (WHERE f.status <> 'ok') AS bad,
       max(p.width || 'x' || p.height) AS data_window,
       max(f.multipart_count) AS parts,
       max(f.channel_count) AS channels,
       max(p.compression) AS comp,
       round(sum(f.size_bytes) / 1e6, 2) AS mb
FROM files AS f
LEFT JOIN parts AS p ON p.file_id = f.file_id AND p.part_index = 0
GROUP BY coalesce(f.sequence_key, f.file_path)
ORDER BY sequence
