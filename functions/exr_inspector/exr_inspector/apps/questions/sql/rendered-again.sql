-- Which files were rendered again?
--
-- A file modified after it was first seen was rendered or copied again. `inspections` counts every inspection, whether
-- or not the file had changed.
SELECT coalesce(sequence_key, file_path) AS sequence_or_file,
       array_agg(frame_number ORDER BY frame_number) FILTER (WHERE frame_number IS NOT NULL) AS frames,
       max(inspection_count) AS inspections
FROM files
WHERE mtime > first_seen
GROUP BY 1
ORDER BY 1
